"""What `doctor` tells of people: who has no second factor yet, and whether limits of accounts per role hold live."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.engine.resource import Key, State
from control_plane.engine.target import Check
from control_plane.keycloak import Keycloak, credentials
from control_plane.keycloak.users import NAME
from control_plane.reports.factors import CODES, is_demanded


def checks(server: Keycloak, catalog: Catalog, have: State) -> Iterator[Check]:
    """`have` is what this server has just been read as."""
    yield _second_factor(server, catalog, have)
    for realm in catalog.realms.values():
        if realm.baseline.mfa is MfaMode.UNMANAGED:
            detail = "its login flow is not held by Git: nobody notices when it asks for less"
            help = (
                f"mfa: {{required: everyone}} or by-role in template '{realm.baseline.template}'; plan shows the rest"
            )
            yield Check(f"second factor in {realm.name}", False, detail, help)
    for role in catalog.roles.values():
        if role.max_holders is not None:
            active = [one for one in credentials.holders(server, role.name) if _enabled(have, one)]
            detail = f"{len(active)} accounts hold it, at most {role.max_holders} may"
            help = f"plan shows which of them Git does not know; the limit stands at {role.origin}"
            yield Check(f"holders of {role.name}", len(active) <= role.max_holders, detail, help)


def _second_factor(server: Keycloak, catalog: Catalog, have: State) -> Check:
    """Only those are asked for one by one whom the list shows without a one-time password."""
    asked = [user for user in catalog.users() if is_demanded(catalog, user)]
    accounts = [(catalog.tenants[user.tenant].realm, user.username.lower()) for user in asked]
    there = [one for one in accounts if _enabled(have, one)]
    unsure = [one for one in there if have[Key(NAME, *one)].fields.get("totp") is not True]
    found = credentials.factors(server, unsure).values()
    without = sum(not kinds for kinds in found)
    codes = sum({kind for kind, _ in kinds} == {CODES} for kinds in found)
    detail = f"of {len(there)} people who are asked {without} have none and set one up first, {codes} have only codes"
    return Check("second factor", True, detail)


def _enabled(have: State, account: tuple[str, str]) -> bool:
    found = have.get(Key(NAME, *account))
    return found is not None and found.fields.get("enabled") is not False
