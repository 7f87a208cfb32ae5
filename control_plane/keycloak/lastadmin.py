"""The last one who administers a realm is out of reach of every plan, whatever Git or a period says of the account.

A realm without an administrator is mended only from realm `master`. Who counts is a person, enabled, who holds such a
role directly; the console shows no other way to most people, and a way by a group is told as a danger of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from control_plane.engine.plan import Change, Delete, Plan, Update
from control_plane.engine.resource import Key, State
from control_plane.keycloak import power
from control_plane.keycloak.leaving import USER
from control_plane.problems import Problem

ROLES = frozenset({"realm-admin", "manage-users"})  # whoever holds one of them can give it on


def problems(plan: Plan, have: State) -> Iterator[Problem]:
    """What stands against the plan; `have` is all that is there, also where the plan is one of a part."""
    holders = administrators(have)
    for realm in sorted(holders):
        goes = {change.key.name for change in plan if change.key.within == realm and _ends(change)}
        stay = {who for who in holders[realm] - goes if have[Key(USER, realm, who)].fields.get("enabled") is True}
        for who in sorted(holders[realm] & goes) if not stay else ():
            yield Problem(
                f"{Key(USER, realm, who)} must stay: nobody else administers the realm",
                note="after this plan no enabled account there would hold realm-admin or manage-users",
                help="give the role to a successor first, or leave this part out with --only",
            )


def administrators(have: State) -> dict[str, set[str]]:
    """For each realm the people who administer it, disabled ones too."""
    found = defaultdict[str, set[str]](set)
    for key in have:
        if key.kind == power.NAME:
            who, _, role = key.name.rpartition(" ")
            if role in ROLES and Key(USER, key.within, who) in have:
                found[key.within].add(who)
    return found


def _ends(change: Change) -> bool:
    if change.key.kind != USER:
        return False
    if isinstance(change, Update):
        return "enabled" in change.changed and change.want.fields.get("enabled") is False
    return isinstance(change, Delete)
