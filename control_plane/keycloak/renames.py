"""People who get another user name, and people who go from one realm to another.

Keycloak changes a user name only in a realm that allows it (`editUsernameAllowed`), to administrators too. Otherwise it
answers 400, after everything else of the plan was written: so it is asked before. An account never goes from one realm
to another; the plan says what that means.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.engine.plan import Create, Plan, Update
from control_plane.engine.resource import Key, State
from control_plane.keycloak.leaving import USER
from control_plane.problems import Problem

REALM, ALLOWED = "keycloak.realm", "editUsernameAllowed"


def problems(plan: Plan, want: State, have: State) -> Iterator[Problem]:
    """Renames that Keycloak would refuse. A realm that `want` leaves out stays as it is."""
    for change in plan:
        if not isinstance(change, Update) or change.key.kind != USER or change.have.key == change.key:
            continue
        realm = Key(REALM, change.key.within, change.key.within)
        sides = [state[realm].fields for state in (want, have) if realm in state]
        if next((fields[ALLOWED] for fields in sides if ALLOWED in fields), False) is not True:
            yield Problem(
                f"{change.have.key} cannot be renamed to {change.key.name}: the realm lets no user name change",
                change.want.origin,
                note="Keycloak refuses it to administrators too.",
                help="login: {edit_username: true} in the realm's template, for as long as this apply takes; "
                "or leave 'previously' out: then it is a new account, and the old one is disabled",
            )


def notes(plan: Plan) -> Iterator[str]:
    """Who leaves one realm and gets an account in another, by user name or by e-mail address."""
    leaving: dict[str, Key] = {}
    for change in plan:
        if isinstance(change, Update) and change.key.kind == USER and _leaves(change):
            leaving |= dict.fromkeys(_known(change.key, change.have.fields.get("email")), change.key)
    for change in plan:
        if isinstance(change, Create) and change.key.kind == USER:
            known = _known(change.key, change.want.fields.get("email"))
            old = next((leaving[one] for one in known if one in leaving), None)
            if old and old.within != change.key.within:
                yield (
                    f"{old.name} leaves realm {old.within} and gets a new account {change.key.name} in realm "
                    f"{change.key.within}: no account goes from one realm to another, so password, second factor and "
                    "consents stay behind"
                )


def _leaves(change: Update) -> bool:
    return "left" in change.changed and change.want.fields["left"] is True


def _known(key: Key, email: object) -> list[str]:
    return [key.name, *([email] if isinstance(email, str) else [])]
