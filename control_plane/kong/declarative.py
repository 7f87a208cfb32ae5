"""What is wanted, as Kong's declarative configuration (format 3.0): for review, and for a node without a database.

Every collection stands at the top, with references by name (Kong takes that as well as nested lists): so a change of
one object is one change in the file.

A credential needs its value, so keys, jwt credentials and client certificates are in it only when the caller can
reveal them; a text in their place would be a key that opens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import yaml

from control_plane.engine.resource import Resource, State
from control_plane.engine.values import Fields, RealmKey, Secret
from control_plane.kong import authorities, naming, values
from control_plane.kong.plugins import config_body

FORMAT = "3.0"
Reveal = Callable[[Secret | RealmKey], str]

COLLECTIONS = {
    "kong.ca-certificate": "ca_certificates",
    "kong.certificate": "certificates",
    "kong.upstream": "upstreams",
    "kong.target": "targets",
    "kong.service": "services",
    "kong.route": "routes",
    "kong.plugin": "plugins",
    "kong.route-plugin": "plugins",
    "kong.consumer": "consumers",
    "kong.acl": "acls",
    "kong.key": "keyauth_credentials",
    "kong.jwt": "jwt_secrets",
}


def declarative(want: State, reveal: Reveal | None = None) -> dict[str, Any]:
    """The configuration as data for YAML or JSON, the same for the same state; resources of other targets are left out.

    With `reveal` it holds secrets in clear: the caller must treat it as one.
    """
    published = {key.name for key in want if key.kind == "kong.publication"}
    found: dict[str, list[dict[str, object]]] = {collection: [] for collection in COLLECTIONS.values()}
    for key in sorted(want):
        entity = _entity(want[key], published, reveal)
        if entity is not None:
            found[COLLECTIONS[key.kind]].append(entity)
    return {"_format_version": FORMAT, **{name: entities for name, entities in found.items() if entities}}


def left_out(want: State) -> Iterator[tuple[str, str, str]]:
    """The credentials that are not in it without `reveal`: what it is, whose, and where its value stands."""
    for key, resource in want.items():
        for value in resource.fields.values():
            if key.kind == "kong.certificate" and isinstance(value, Secret):
                yield "certificate", key.name, value.ref
            elif isinstance(value, Secret):
                yield "key", key.within, value.ref
            elif isinstance(value, RealmKey):
                yield "jwt", key.within, f"the key that realm {value.realm} signs with"


def written(configuration: Mapping[str, object], heading: Iterable[str]) -> str:
    """The configuration as YAML, under comments; texts of several lines stand as they are."""
    comments = "".join(f"# {line}".rstrip() + "\n" for line in heading)
    return comments + yaml.dump(configuration, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _entity(resource: Resource, published: set[str], reveal: Reveal | None) -> dict[str, object] | None:
    """The entity; None for what the format does not hold, and for a credential that cannot be revealed."""
    key, fields = resource.key, _given(resource.fields)
    if reveal is None:
        fields.pop("client_certificate", None)  # it is not there without its key
    match key.kind:
        case "kong.ca-certificate":
            identity = authorities.id_of(_platform(fields), key)
            return {"id": identity, **authorities.body(resource.fields, authorities.WRITTEN)}
        case "kong.service":
            return {"name": key.name, **fields, "enabled": key.name in published}
        case "kong.upstream":
            return {"name": key.name, **fields}
        case "kong.target":
            steady = naming.steady_id(_platform(fields), "target", key.within, key.name)
            return {"id": steady, "upstream": key.within, "target": key.name, **fields}
        case "kong.route":
            return {"name": key.name, **fields}
        case "kong.plugin" | "kong.route-plugin":
            del fields["protocols"]  # Kong's default for each plugin, as in a create
            return {
                "instance_name": key.name,
                **fields,
                "config": _without_null(config_body(resource.fields["config"])),
            }
        case "kong.consumer":
            return {"username": key.name, **fields}
        case "kong.acl":
            return {"consumer": key.within, "group": key.name, **fields}
        case "kong.key" | "kong.jwt" | "kong.certificate":
            return _credential(resource, fields, reveal)
        case _:
            return None


def _credential(resource: Resource, fields: dict[str, object], reveal: Reveal | None) -> dict[str, object] | None:
    if reveal is None:
        return None
    revealed = {
        name: (v.pem if isinstance(v, RealmKey) else None) or reveal(v)
        for name, v in resource.fields.items()
        if isinstance(v, Secret | RealmKey)
    }
    if resource.key.kind == "kong.certificate":
        identity = naming.certificate_id(_platform(fields), resource.key.name)
        return {"id": identity, **authorities.body(resource.fields, authorities.WRITTEN), **revealed}
    if resource.key.kind == "kong.jwt":
        own = {"key": resource.key.name}
    else:
        fields.pop("ends", None)  # the format counts no seconds: on such a node the guard alone ends the period
        own = {"id": naming.steady_id(_platform(fields), "key", resource.key.within, resource.key.name)}
    return {"consumer": resource.key.within, **own, **fields, **revealed}


def _platform(fields: dict[str, object]) -> str:
    """From the mark, so that a key that was loaded is found as ours again."""
    tags = fields["tags"]
    assert isinstance(tags, list)
    return next(tag for tag in map(str, tags) if tag.startswith(naming.mark(""))).removeprefix(naming.mark(""))


def _given(fields: Fields) -> dict[str, object]:
    """Without what is null, which the format takes for absent."""
    return {
        name: _without_null(value)
        for name, value in values.body(fields, "client_certificate").items()
        if value is not None
    }


def _without_null(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_null(one) for name, one in value.items() if one is not None}
    return value
