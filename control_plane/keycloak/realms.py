"""Realms with the settings of their template.

A partial PUT is merged by Keycloak field by field, with traps (`realmput`): an OTP policy that is not sent whole is
broken without an error, so it always goes whole. The password policy is one text on the server and a set here. Events
and the policy for passkeys are fields of the realm too. Realms that leave the YAML are disabled and keep everything
that is in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields, Value
from control_plane.keycloak import baseline, claims, danger, logins, loosening, realmput, sessions, switch
from control_plane.keycloak.answers import Conflict, Json, Missing, text
from control_plane.keycloak.marks import MANAGED, PREFIX, belongs, is_nobodys, is_ours, marks
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import NotAllowed, Problem

NAME = "keycloak.realm"
RESET = baseline.LOGIN["reset_password"]
HEADERS = realmput.HEADERS
SETS = (
    "supportedLocales",
    "enabledEventTypes",
    "eventsListeners",
    "webAuthnPolicySignatureAlgorithms",
    "webAuthnPolicyExtraOrigins",
)


def desired(catalog: Catalog) -> Iterator[Resource]:
    delegated = {tenant.realm for tenant in catalog.delegating()}
    for realm in catalog.realms.values():
        key = Key(NAME, realm.name, realm.name)
        fields = {**baseline.fields(realm), **({switch.PERMISSIONS: True} if realm.name in delegated else {})}
        yield Resource(key, fields, realm.origin, frozenset({realm.owner}))


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    server.begin({text(found, "realm", "admin/realms"): found for found in _all(server)})
    for name, found in sorted(server.found.items()):
        ours = is_ours(found, server.platform)
        if name != server.settings.realm or ours:
            fields = _read_fields(found) if ours or (name in server.wanted and server.takes(found)) else {}
            yield Resource(Key(NAME, name, name), fields, None, belongs(found), ours, adoptable=is_nobodys(found))


def _all(server: Keycloak) -> Iterator[Json]:
    """Every realm that we may see; all that are asked for among them. Raises NotAllowed for one that we see in part."""
    try:
        listed = server.session.list("admin/realms")
    except NotAllowed:  # Keycloak's answer, too, when there is no realm yet that we may see
        listed = []
    names = {found.get("realm") for found in listed}
    for name in sorted(server.wanted - names):
        try:
            listed.append(server.session.get(path(name)))
        except Missing:
            continue
    for found in listed:
        if "id" in found:
            yield found
        elif found.get("realm") in server.wanted:
            name = str(found["realm"])
            missing = ", ".join(claims.unreadable(server.session, name)) or "the right to see it"
            raise NotAllowed(
                Problem(
                    f"Keycloak shows only a part of realm '{name}': our account lacks {missing} there",
                    note="a realm without its id is a stub for those who may not see it; it is not an empty realm",
                    help=claims.give(server.settings, name),
                )
            )


def _read_fields(found: Json) -> Fields:
    fields: dict[str, Value] = {
        name: value for name, value in found.items() if isinstance(value, str | int | float | bool)
    }
    fields |= {name: frozenset(map(str, found.get(name) or ())) for name in SETS}
    fields[HEADERS] = {str(name): value for name, value in (found.get(HEADERS) or {}).items()}
    policy = str(found.get("passwordPolicy") or "")
    fields["passwordPolicy"] = frozenset(_policy(one) for one in policy.split(" and ") if one)
    return fields


def _policy(one: str) -> str:
    """`notUsername`, `notUsername()` and `notUsername(undefined)` are the same to Keycloak."""
    name, _, value = one.strip().removesuffix(")").partition("(")
    return f"{name}({'' if value in ('undefined', 'null') else value})"


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    """With the mark from the first moment, so that a realm whose answer was lost is found as ours."""
    name = want.key.name
    body = _body(want.fields, frozenset(want.fields))
    mark = marks(server.platform, next(iter(want.belongs), None))
    try:
        server.session.post("admin/realms", {"realm": name, **body, "attributes": mark})
    except Conflict:
        if not is_ours(server.session.get(path(name)), server.platform):
            raise
        realmput.put(server.session, name, body)
    server.session.renew()  # Keycloak 26.0 knows of our rights in the new realm by the token alone


def update(server: Keycloak, change: Update) -> None:
    tenant = next(iter(change.want.belongs), None)
    mark = marks(server.platform, tenant) if MANAGED in change.changed else None
    with sessions.all_ended(server, change.key.name) if _was_open(server, change) else nullcontext():
        realmput.put(server.session, change.key.name, _body(change.want.fields, change.changed), mark)


def _was_open(server: Keycloak, change: Update) -> bool:
    """Whether people came in by mail past the realm's login flow, by Keycloak's own way to a new password."""
    found = server.found.get(change.key.name, {})
    closed = any(one.path == (RESET,) and one.before is True for one in change.changes)
    past = str(found.get("browserFlow")).startswith(PREFIX) and not str(found.get("resetCredentialsFlow")).startswith(
        PREFIX
    )
    return closed and past


def _body(fields: Fields, names: frozenset[str]) -> Json:
    """The named fields as Keycloak takes them; the OTP policy and the events each whole or not at all."""
    if names & baseline.OTP_DEFAULT.keys():
        names |= baseline.OTP_DEFAULT.keys()
    if any("vent" in name for name in names):
        names |= {name for name in fields if "vent" in name}
    body = {name: fields[name] for name in names if name in fields}
    for name in SETS:
        if isinstance(value := body.get(name), frozenset):
            body[name] = tuple(sorted(map(str, value)))
    if isinstance(policy := body.get("passwordPolicy"), frozenset):
        body["passwordPolicy"] = " and ".join(sorted(map(str, policy)))
    return dict(body)


def leaves(have: Resource) -> Resource:
    return replace(have, fields={"enabled": False})


def costs(change: Change, have: State) -> str | None:
    """A passkey opens nothing but what it was made for. Where the bound flow takes none, nobody has had one made."""
    if not isinstance(change, Update):
        return None
    moved = next((one for one in change.changes if one.path == (baseline.PASSKEY["domain"],)), None)
    steps = danger.steps_of_the_login(change.key.name, have)
    if moved is None or not any(logins.FACTORS["passkey"] in step for step in steps):
        return None
    whose = f"of '{moved.before}'" if moved.before else "of the host of the login page"
    return f"every passkey {whose} is useless from then on: who has no other factor is led to make a new one"


def _one_by_one(realm: Resource) -> str:
    """A realm takes seconds to make; several at once take each other's time until all of them time out."""
    return "realms"


REALM = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    leaves=leaves,
    serial_by=_one_by_one,
    danger=loosening.danger,
    costs=costs,
    adoptable=True,
    mark=MANAGED,
)
