"""Required actions: what Keycloak leads people to at a login, where something of ours depends on it.

By one of them people set up a second factor: while it is off or broken they get none. Their order is ours too, so that
nobody has recovery codes before a factor. By another one a first password is good for one login: while it is off
Keycloak lets people in with that password as often as they like, and asks for no other one.

A default one is what every new account is led to, and Git names none. A PUT without its alias breaks an action for ever
(204): it has no name any more and stays in the list, so another one is registered beside it. One that was a default
then lets nobody make an account in the realm (500), and no request takes it away.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, FirstPassword, MfaMode, RealmBaseline
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Create, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields
from control_plane.keycloak.answers import Json
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.action"
TOTP, RECOVERY_CODES = "CONFIGURE_TOTP", "CONFIGURE_RECOVERY_AUTHN_CODES"
FACTORS = {"totp": TOTP, "passkey": "webauthn-register"}
PRIORITY = {TOTP: 54, FACTORS["passkey"]: 80, RECOVERY_CODES: 130}  # as Keycloak has them; the lower first
PASSWORD = "UPDATE_PASSWORD"  # noqa: S105  an action's name
TITLE = {
    TOTP: "Configure OTP",
    FACTORS["passkey"]: "Webauthn Register",
    RECOVERY_CODES: "Recovery codes",
    PASSWORD: "Update Password",
}
SENT = {"default": "defaultAction"}
ADD_CODES = "add-recovery-codes"  # who sets up the one is led to the other
AGAIN = "a first password is good for more than one login: nobody is asked for another one"
WITHOUT_A_FACTOR = "people cannot set up a second factor: the action is off, missing or broken"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for alias in _wanted(realm.baseline):
            fields: Fields = {"enabled": True, "default": False}
            if alias in PRIORITY:
                fields = {**fields, "priority": PRIORITY[alias]}
            if alias == TOTP:
                fields = {**fields, "recovery_codes": realm.baseline.recovery_codes}
            yield Resource(Key(NAME, realm.name, alias), fields, realm.origin, frozenset({realm.owner}))


def _wanted(baseline: RealmBaseline) -> list[str]:
    first = [] if baseline.people.first_password is FirstPassword.NONE else [PASSWORD]
    if baseline.mfa is MfaMode.UNMANAGED:
        return first  # what its own login flow leads people to is not known here
    codes = [RECOVERY_CODES] if baseline.recovery_codes else []
    return [*first, *(FACTORS[factor] for factor in baseline.factors or ("totp",)), *codes]


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    for one in server.session.list(_where(realm)):
        alias = one.get("alias")  # none: it is broken, and not there for anybody
        if alias in TITLE:
            fields = {
                "enabled": one.get("enabled") is True,
                "default": one.get("defaultAction") is True,
                "priority": one.get("priority"),
                "recovery_codes": (one.get("config") or {}).get(ADD_CODES) == "true",
            }
            yield Resource(Key(NAME, realm, str(alias)), fields)


def _where(realm: str, *more: str) -> str:
    return path(realm, "authentication", "required-actions", *more)


def create(server: Keycloak, want: Resource) -> None:
    """A new realm has it already; where somebody has removed or broken it, it is registered anew."""
    realm, alias = want.key.within, want.key.name
    if not any(one.get("alias") == alias for one in server.session.list(_where(realm))):
        body = {"providerId": alias, "name": TITLE[alias]}
        server.session.post(path(realm, "authentication", "register-required-action"), body)
    _put(server, want)


def update(server: Keycloak, change: Update) -> None:
    _put(server, change.want)


def _put(server: Keycloak, want: Resource) -> None:
    where = _where(want.key.within, want.key.name)
    found = server.session.get(where)
    config: Json = dict(found.get("config") or {})
    if "recovery_codes" in want.fields:
        config[ADD_CODES] = str(want.fields["recovery_codes"]).lower()
    ours = {
        SENT.get(name, name): want.fields[name] for name in ("enabled", "default", "priority") if name in want.fields
    }
    server.session.put(where, {**found, **ours, "alias": want.key.name, "config": config})


def danger(change: Change, have: State) -> str | None:
    """Missing in a realm that is there, or off: nobody is led to it."""
    match change:
        case Create() if Key("keycloak.realm", change.key.within, change.key.within) in have:
            pass
        case Update(changes=changes) if any(one.path[0] == "enabled" for one in changes):
            pass
        case _:
            return None
    return AGAIN if change.key.name == PASSWORD else WITHOUT_A_FACTOR


def leaves(have: Resource) -> Resource | None:
    """A factor that no template names any more can still be set up; the login flow does not take it."""
    return None


ACTION = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    leaves=leaves,
    after=("keycloak.realm",),
    serial_by=lambda action: action.key.within,
    aspect=True,
    danger=danger,
)
