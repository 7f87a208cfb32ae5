"""A person's account itself, as Keycloak shows it and as it is written: names, attributes, and our marks on it.

An account is never written without a real change: a PUT of what was read would end a lock-out. A PUT with attributes
empties name and e-mail unless it carries them, and in a realm in which user names may change it needs that name too.
"""

from __future__ import annotations

from collections.abc import Mapping

from control_plane.engine.resource import Resource
from control_plane.engine.values import Value
from control_plane.keycloak import firsts, leaving
from control_plane.keycloak.answers import Json
from control_plane.keycloak.marks import DORMANT, LEFT, MANAGED, TENANT, attribute, lists, marks
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAMES = ("email", "firstName", "lastName")


def outline(one: Json) -> dict[str, Value]:
    """What the lists tell of everybody."""
    found: dict[str, Value] = {name: one.get(name) for name in ("enabled", *NAMES)}
    return {**found, "totp": one.get("totp"), "created": one.get("createdTimestamp")}  # totp: a code is registered


def found(one: Json) -> dict[str, Value]:
    """All that is compared of one of ours, but groups and roles."""
    left = leaving.day(one)
    return {
        **outline(one),
        "invited": firsts.found(one),
        "dormant": attribute(one, DORMANT) is not None,
        "left": left is not None,
        "left_on": left.isoformat() if left else None,
        "tenant": attribute(one, TENANT),
        "attributes": {str(name): _value(value) for name, value in (one.get("attributes") or {}).items()},
    }


def _value(found: object) -> Value:
    """An attribute's value: a text, or several."""
    values = tuple(map(str, found)) if isinstance(found, list) else (str(found),)
    return values[0] if len(values) == 1 else values


def put(server: Keycloak, want: Resource, id: str, names: frozenset[str]) -> None:
    """The changed fields of the account. `enabled` goes only when it changes, so that a lock-out stays."""
    body: Json = {"enabled": want.fields["enabled"]} if "enabled" in names else {}
    if names & {*NAMES, "attributes", "tenant", "left", "dormant", MANAGED} or (body and want.fields.get("left")):
        there = server.session.get(path(want.key.within, "users", id))
        kept = {name: there.get(name) for name in NAMES}
        named = {name: want.fields[name] for name in NAMES if name in want.fields}
        merged = attributes(server, want, there.get("attributes") or {})
        merged |= {**_left(server, want, there, names), **_dormant(server, want)}
        body |= {"username": want.key.name, **kept, **named}  # without it a realm in which names may change refuses
        body["attributes"] = {name: value for name, value in merged.items() if value}
    if body:
        server.session.put(path(want.key.within, "users", id), body)


def attributes(server: Keycloak, want: Resource, there: Json) -> dict[str, list[str]]:
    """Those that are there, with ours; of who leaves the YAML nothing is wanted, and all stay."""
    wanted = want.fields.get("attributes", {})
    assert isinstance(wanted, Mapping)
    tenant = want.fields.get("tenant")
    mark = lists(marks(server.platform, str(tenant))) if tenant else {}
    ours = {name: [] if value is None else [str(value)] for name, value in wanted.items()}
    return {name: value for name, value in {**there, **ours, **mark}.items() if value}


def _left(server: Keycloak, want: Resource, found: Json, names: frozenset[str]) -> dict[str, list[str]]:
    """The mark of who has left. Its day stays, unless the account was switched on meanwhile: then it begins anew."""
    if not want.fields.get("left"):
        return {LEFT: []}
    known = None if "enabled" in names else leaving.day(found)
    return {LEFT: [(known or server.today).isoformat()]}


def _dormant(server: Keycloak, want: Resource) -> dict[str, list[str]]:
    if "dormant" not in want.fields:
        return {}
    return {DORMANT: [server.today.isoformat()] if want.fields["dormant"] else []}
