"""Realms as documents of ours: a draft with everything that the words of the language can hold.

Whether it says the same as what is there is not judged here: `holding` asks the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from control_plane.adopt.translation import Note, slug
from control_plane.catalog.checks.names import ROLES, USERNAMES
from control_plane.catalog.documents.base import Entry
from control_plane.catalog.documents.roles import RoleEntry
from control_plane.catalog.documents.tenants import GroupEntry, ServiceEntry, UserEntry
from control_plane.catalog.sentences import sentence
from control_plane.engine.resource import Resource, State
from control_plane.keycloak import builtin, clients, composites, groups, pairwise, proofs, roles, users

LEAVE = "leave it as it is, or change it in Keycloak and import again"


@dataclass
class Draft:
    """One realm. Groups by path, people by username, services by client id, identity providers by alias."""

    name: str
    title: str
    template: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    providers: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Drafts:
    platform: str
    realms: dict[str, Draft] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    mail: dict[str, Any] | None = None  # of the environment
    certificates: dict[str, str] = field(default_factory=dict)  # by file, of SAML providers
    notes: list[Note] = field(default_factory=list)


def add_roles(drafts: Drafts, found: State, realm: str) -> None:
    """The roles of a realm, which all realms of a platform have."""
    included = {one.key.name: one for one in of(found, composites.NAME, realm)}
    for one in of(found, roles.NAME, realm):
        name, description = one.key.name, str(one.fields.get("description") or "")
        entry = {
            "role": name,
            "title": title_of(one.fields.get("title") or description, name),
            "description": description,
            "includes": sorted(_names(included[name], "roles")) if name in included else [],
        }
        if name not in drafts.roles and holds(drafts, RoleEntry, entry, f"role {name} of realm {realm}", _reserved):
            drafts.roles[name] = short(entry)


def forget_unknown_roles(drafts: Drafts) -> None:
    for entry in drafts.roles.values():
        if "includes" in entry:
            entry["includes"] = [name for name in entry["includes"] if name in drafts.roles]


def add_groups(drafts: Drafts, found: State, draft: Draft) -> None:
    own, taken = groups.tenant_path(draft.name), set[str]()
    for one in of(found, groups.NAME, draft.name):
        where = one.key.name
        if where == own:
            continue
        name = unquote(where.rpartition("/")[2])
        id = _free(slug(name) if re.search("[a-z0-9]", name.lower()) else "group", taken)
        entry = {
            "group": id,
            "title": title_of(one.fields.get("title"), name),
            "roles": sorted(_names(one, "roles") & drafts.roles.keys()),
            "path": where if where != f"{own}/{id}" else None,
        }
        if holds(drafts, GroupEntry, entry, f"group {where} of realm {draft.name}"):
            taken.add(id)
            draft.groups[where] = short(entry)


def add_users(drafts: Drafts, found: State, draft: Draft) -> None:
    declared = {one if isinstance(one, str) else one["name"] for one in draft.template.get("attributes", ())}
    ids = {where: entry["group"] for where, entry in draft.groups.items()}
    addresses = set[str]()
    for one in of(found, users.NAME, draft.name):
        fields, name = one.fields, one.key.name
        what = f"user {name} of realm {draft.name}"
        said = fields.get("attributes")
        attributes = said if isinstance(said, Mapping) else {}
        address = str(fields.get("email") or "")
        entry = {
            "username": name,
            "family_name": fields.get("lastName") or "",
            "given_name": fields.get("firstName") or "",
            "email": address or None,
            "groups": sorted(ids[where] for where in _names(one, "groups") if where in ids),
            "roles": sorted(_names(one, "roles") & drafts.roles.keys()),
            "attributes": {key: value for key, value in attributes.items() if key in declared and _is_text(value)},
        }
        if fields.get("enabled") is not True:
            drafts.notes.append(Note(what, "the account is switched off, and the YAML has no word for that", LEAVE))
        elif address in addresses:
            drafts.notes.append(Note(what, "another account has its e-mail address", LEAVE))
        elif holds(drafts, UserEntry, entry, what, _reserved):
            addresses |= {address} if address else set()
            draft.users[name] = short(entry)


def add_services(drafts: Drafts, found: State, draft: Draft, protocols: Mapping[str, str]) -> None:
    """Clients whose id is TENANT.SERVICE of this realm's tenant: any other one would have to take another id."""
    for one in of(found, clients.NAME, draft.name):
        name = one.key.name
        tenant, _, service = name.partition(".")
        what = f"client {name} of realm {draft.name}"
        if name in builtin.CLIENTS:
            continue
        if protocols.get(name) != "openid-connect":
            drafts.notes.append(
                Note(what, f"it speaks {protocols.get(name)}, and services speak OpenID Connect", LEAVE)
            )
        elif tenant != draft.name or not service:
            why = f"a service's client is named {draft.name}.SERVICE, and its callers would have to take another id"
            todo = "it stays; write the service beside it by hand, and remove it when its callers have moved"
            drafts.notes.append(Note(what, why, todo))
        elif one.fields.get("enabled") is not True:
            drafts.notes.append(Note(what, "it is switched off, and the YAML has no word for that", LEAVE))
        else:
            entry = _service(one, service)
            if holds(drafts, ServiceEntry, entry, what):
                draft.services[name] = short(entry)


def _service(one: Resource, service: str) -> dict[str, Any]:
    fields = one.fields
    redirects, origins = sorted(_names(one, "redirectUris")), sorted(_names(one, "webOrigins"))
    url, algorithm = fields.get(proofs.KEYS_URL), fields.get(proofs.ALGORITHM)
    by_key = fields.get(proofs.KIND) == proofs.BY_KEY and fields.get(proofs.FROM_URL)
    own_ids = fields.get(pairwise.FIELD)
    return {
        "service": service,
        "title": title_of(fields.get("name"), service),
        "auth": ["token"],
        "client": "public" if fields.get("publicClient") is True else None,
        "client_auth": {"keys_url": url, **({"algorithm": algorithm} if algorithm else {})} if by_key else None,
        "redirect_uris": redirects,
        "post_logout_redirect_uris": sorted(_names(one, proofs.LOGOUTS)),
        "web_origins": [] if origins == ["+"] else origins,
        **({"subject": "pairwise", "sector_url": own_ids[pairwise.SECTOR]} if isinstance(own_ids, Mapping) else {}),
    }


def of(found: State, kind: str, realm: str) -> Iterator[Resource]:
    return (one for key, one in found.items() if (key.kind, key.within) == (kind, realm) and one.fields)


def holds(drafts: Drafts, model: type[Entry], entry: Mapping[str, Any], what: str, refused: Any = None) -> bool:
    """Whether the language can say it; if not, the note says why not."""
    why = refused(entry) if refused else None
    if not why:
        try:
            model.model_validate(short(entry))
        except ValidationError as error:
            said = (sentence(one, tuple(one["loc"]), lambda path: {}).message for one in error.errors())
            why = "; ".join(dict.fromkeys(said))
    if why:
        drafts.notes.append(Note(what, why, LEAVE))
    return not why


def _reserved(entry: Mapping[str, Any]) -> str | None:
    name = str(entry.get("role") or entry.get("username"))
    reserved = name.startswith(ROLES if "role" in entry else USERNAMES)
    return "its name is reserved for what Keycloak or renkei makes" if reserved else None


def short(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing."""
    needed = ("family_name", "given_name")
    return {word: value for word, value in entry.items() if word in needed or value not in (None, "", [], {})}


def title_of(said: object, name: str) -> str:
    """A text for people in one line, at most as long as a title may be."""
    text = " ".join(str(said or "").split())
    return text if 0 < len(text) <= 255 and text.isprintable() else name


def _free(id: str, taken: Iterable[str]) -> str:
    """The id, with a number where another one has it already."""
    id = id[:60].rstrip("-")
    names = [id, *(f"{id}-{number}" for number in range(2, 10_000))]
    return next(name for name in names if name not in set(taken))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _names(one: Resource, name: str) -> frozenset[str]:
    value = one.fields.get(name)
    return frozenset(map(str, value)) if isinstance(value, frozenset) else frozenset()
