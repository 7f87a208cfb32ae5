"""Required actions by which people set up a second factor: one that is off or broken leaves them without any.

Keycloak enrols a factor by a required action of its own. A PUT without its alias breaks one for ever (204): it has no
name any more and stays in the list, so another one is registered beside it. Their order is ours too, so that nobody has
recovery codes before a factor.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, MfaMode, RealmBaseline
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
TITLE = {TOTP: "Configure OTP", FACTORS["passkey"]: "Webauthn Register", RECOVERY_CODES: "Recovery codes"}
ADD_CODES = "add-recovery-codes"  # who sets up the one is led to the other


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        if realm.baseline.mfa is MfaMode.UNMANAGED:
            continue  # what its own login flow leads people to is not known here
        for alias in _wanted(realm.baseline):
            fields: Fields = {"enabled": True, "priority": PRIORITY[alias]}
            if alias == TOTP:
                fields = {**fields, "recovery_codes": realm.baseline.recovery_codes}
            yield Resource(Key(NAME, realm.name, alias), fields, realm.origin, frozenset({realm.owner}))


def _wanted(baseline: RealmBaseline) -> list[str]:
    codes = [RECOVERY_CODES] if baseline.recovery_codes else []
    return [*(FACTORS[factor] for factor in baseline.factors or ("totp",)), *codes]


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    for one in server.session.list(_where(realm)):
        alias = one.get("alias")  # none: it is broken, and not there for anybody
        if alias in PRIORITY:
            fields = {
                "enabled": one.get("enabled") is True,
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
    ours = {name: want.fields[name] for name in ("enabled", "priority")}
    server.session.put(where, {**found, **ours, "alias": want.key.name, "config": config})


def danger(change: Change, have: State) -> str | None:
    """Missing in a realm that is there, or off: who has no factor yet gets none."""
    match change:
        case Create() if Key("keycloak.realm", change.key.within, change.key.within) in have:
            return "the action by which people set up a second factor is missing or broken"
        case Update(changes=changes) if any(one.path[0] == "enabled" for one in changes):
            return "people cannot set up a second factor"
    return None


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
