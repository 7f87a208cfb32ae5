"""People of one tenant in groups of another: in one realm only, and never where somebody administers either's people.

Who administers the people in a group may reset their passwords. A guest would bring him the rights that the person has
at home, and the administrators at home those of the other group. And where two permissions of Keycloak touch one
person, both must grant: auditors of either tenant would see him no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.references import twice, unknown
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.catalog.documents.tenants import GuestEntry
from control_plane.catalog.located import Located
from control_plane.catalog.periods import check_period
from control_plane.problems import Problem


def check(declared: Declared) -> Iterator[Problem]:
    for tenant in declared.tenants:
        guests = list(tenant.guests())
        if not guests:
            continue
        realm = _realm(tenant)
        neighbours = [one for one in declared.tenants if _realm(one) == realm]
        homes = {user.value.username: one for one in neighbours for user in one.users}
        groups = {group.value.group for group in tenant.groups()}
        yield from twice(((guest.value.username, guest) for guest in guests), "guest", "username")
        for guest in guests:
            name = guest.value.username
            yield from check_period(guest, guest.value.start, guest.value.until, declared.zone)
            for position, group in enumerate(guest.value.groups):
                what = f"group of {tenant.name}"
                yield from unknown(declared, what, group, groups, guest, "groups", position, folder="tenants")
            if name not in homes:
                what = f"person in realm '{realm}'"
                yield from unknown(declared, what, name, homes, guest, "username", folder="tenants")
            elif homes[name] is tenant:
                message = f"'{name}' is a person of {tenant.name} itself"
                yield guest.problem(message, "username", help="name the groups where the person is declared")
            else:
                yield from _administered(guest, (tenant, homes[name]))


def _administered(guest: Located[GuestEntry], tenants: tuple[DeclaredTenant, ...]) -> Iterator[Problem]:
    for one in tenants:
        for word in ("administrators", "auditors"):
            if getattr(one.tenant.value, word):
                message = f"'{guest.value.username}' cannot be a guest: people of {one.name} have {word}"
                note = f"They stand at {one.tenant.origin(word)}, and would reach into two tenants with one account."
                yield guest.problem(message, "username", note=note)
                break


def _realm(one: DeclaredTenant) -> str:
    return one.tenant.value.realm.shared or one.name
