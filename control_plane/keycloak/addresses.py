"""E-mail addresses that another account of the realm has already.

In a realm of ours no two accounts have one address: Keycloak answers 409 to the second, in the middle of an apply.
Every account was read, of others too, so it is told before. Between people of the YAML `validate` looks already.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.engine.plan import Change, Create, Plan, Update
from control_plane.engine.resource import Resource, State
from control_plane.keycloak.leaving import USER
from control_plane.problems import Problem

EMAIL = "email"


def problems(plan: Plan, want: State, have: State) -> Iterator[Problem]:
    """Addresses that Keycloak would refuse: those of others, and of ours who left and are still there."""
    asked = [change for change in plan if _asks(change)]
    if not asked:
        return
    told = {*want, *(change.have.key for change in plan if isinstance(change, Update) and change.moves)}
    taken = {_address(one): one for one in _people(have) if one.key not in told}
    for change in asked:
        if isinstance(change, Create | Update) and (holder := taken.get(_address(change.want))):
            yield _problem(change.want, holder)


def _asks(change: Change) -> bool:
    """Whether an account gets an address."""
    if change.key.kind != USER or not isinstance(change, Create | Update):
        return False
    return bool(change.want.fields.get(EMAIL)) and (isinstance(change, Create) or EMAIL in change.changed)


def _people(have: State) -> Iterator[Resource]:
    return (one for key, one in have.items() if key.kind == USER and one.fields.get(EMAIL))


def _address(one: Resource) -> tuple[str, str]:
    return one.key.within, str(one.fields[EMAIL]).lower()


def _problem(want: Resource, holder: Resource) -> Problem:
    who = f"account {holder.key.name} of realm {holder.key.within}"
    if holder.owned:
        note = f"{holder.key.name} was ours and is not asked for any more: an account that was left keeps its address."
        help = (
            f"is it the same person? `previously: {holder.key.name}` gives the account the new user name; if not, take "
            "the address from that account in Keycloak"
        )
    else:
        note = f"{holder.key.name} is not ours, and Keycloak gives no address to two accounts."
        help = "give one of the two another address; is it the same person, name the account in the YAML and --adopt it"
    return Problem(f"the e-mail address of {want.key.name} is that of {who}", want.origin, note=note, help=help)
