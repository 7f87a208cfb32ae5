"""User profiles: the attributes of people that we use, for administrators alone unless the template says otherwise.

Keycloak drops what its profile does not declare, without a word and with 2xx. The profile is one document and a PUT
replaces it, so ours are merged into what is there; attributes that others declared stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Catalog, FirstPassword, ProfileAttribute
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value
from control_plane.keycloak import danger
from control_plane.keycloak.answers import Json, a_list
from control_plane.keycloak.marks import DORMANT, EXEMPT, INVITED, LEFT, PLATFORM, TENANT
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.profile"
ONLY_ADMINISTRATORS = frozenset({"admin"})


def desired(catalog: Catalog) -> Iterator[Resource]:
    declared = attributes(catalog)
    for realm in catalog.realms.values():
        exempt = (EXEMPT,) if realm.baseline.exemptions else ()
        invited = (INVITED,) if realm.baseline.people.first_password is FirstPassword.MAIL else ()
        dormant = (DORMANT,) if realm.baseline.people.dormant_days is not None else ()
        names = (PLATFORM, TENANT, LEFT, *exempt, *invited, *dormant, *declared[realm.name])
        said = realm.baseline.profile
        yield Resource(
            Key(NAME, realm.name, "user-profile"),
            {name: _detailed(said[name]) if name in said else _declared() for name in names},
            realm.origin,
            frozenset({realm.owner}),
        )


def attributes(catalog: Catalog) -> Mapping[str, list[str]]:
    """For each realm the names that its template declares, and those that people of the realm have."""
    names = {realm.name: set(realm.baseline.attributes) for realm in catalog.realms.values()}
    for user in catalog.users():
        if user.attributes:
            names[catalog.tenants[user.tenant].realm].update(user.attributes)
    return {realm: sorted(found) for realm, found in names.items()}


def _declared() -> Fields:
    return {"view": ONLY_ADMINISTRATORS, "edit": ONLY_ADMINISTRATORS, "multivalued": False, "required": False}


def _detailed(one: ProfileAttribute) -> Fields:
    return {
        **_declared(),
        "view": one.view,
        "edit": one.edit,
        "required": one.required,
        "title": one.title or one.name,
        "min_length": one.min_length,
        "max_length": one.max_length,
        "pattern": one.pattern,
    }


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "users", "profile")
    document = server.session.get(where)
    fields: Fields = {str(one.get("name")): _found(one) for one in a_list(document.get("attributes"), where)}
    (server.hidden.discard if PLATFORM in fields else server.hidden.add)(realm)
    yield Resource(Key(NAME, realm, "user-profile"), fields)


def _found(one: Json) -> Fields:
    permissions = one.get("permissions") or {}
    fields: dict[str, Value] = {name: frozenset(map(str, permissions.get(name) or ())) for name in ("view", "edit")}
    validations = one.get("validations") or {}
    length, pattern = (validations.get(name) or {} for name in ("length", "pattern"))
    return {
        **fields,
        "multivalued": one.get("multivalued") is True,
        "required": one.get("required") is not None,
        "title": one.get("displayName"),
        "min_length": _number(length.get("min")),
        "max_length": _number(length.get("max")),
        "pattern": pattern.get("pattern"),
    }


def _number(found: object) -> int | None:
    """The console writes numbers as texts."""
    return int(found) if isinstance(found, int | str) and str(found).isdecimal() else None


def create(server: Keycloak, want: Resource) -> None:
    """Every realm has a profile: merge ours into it."""
    where = path(want.key.within, "users", "profile")
    document = server.session.get(where)
    there = a_list(document.get("attributes"), where)
    ours = {name: representation(name, fields) for name, fields in want.fields.items()}
    kept = [ours.pop(str(one.get("name")), one) for one in there]
    server.session.put(where, {**document, "attributes": [*kept, *ours.values()]})


def representation(name: str, want: Value) -> Json:
    """The attribute whole: a hand's rule that a value must hold to could make our next write of a person fail."""
    assert isinstance(want, Mapping)
    view, edit = (sorted(map(str, side)) for side in (want["view"], want["edit"]) if isinstance(side, frozenset))
    bounds = {end: want.get(f"{end}_length") for end in ("min", "max")}
    rules: Json = {}
    if any(bounds.values()):
        rules["length"] = {end: bound for end, bound in bounds.items() if bound}
    if want.get("pattern"):
        rules["pattern"] = {"pattern": want["pattern"]}
    required = {"required": {"roles": ["user"]}} if want["required"] else {}
    return {
        "name": name,
        "displayName": want.get("title") or name,
        "permissions": {"view": view, "edit": edit},
        "multivalued": False,
        "validations": rules,
        **required,
    }


def update(server: Keycloak, change: Update) -> None:
    create(server, change.want)


PROFILE = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    after=("keycloak.realm",),
    serial_by=lambda profile: profile.key.within,
    danger=danger.of_profile,
)
