"""How somebody gets into a new account: a password for one login in the secret store, or a link by mail.

Only a creation does this. An account that is there keeps its password whatever the template says later, and somebody
who comes back too. The password goes in the same request as the account, so that there is never one without the other;
Keycloak asks for a new one at its first use. An invitation that did not go out, because the run was killed or the mail
server was away, stands on the account as such, and the next apply sends it.
"""

from __future__ import annotations

from control_plane.catalog.model import Catalog, FirstPassword, RealmBaseline, User
from control_plane.engine.resource import Resource
from control_plane.engine.values import Fields, Secret, Shape
from control_plane.keycloak.answers import Json
from control_plane.keycloak.marks import INVITED, NOT_YET, attribute, lists
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

PASSWORD, MAIL = "first_password", "invitation"  # what a plan calls them
LONG = 20  # characters, where the realm's policy does not ask for more


def initial(catalog: Catalog, user: User) -> Fields:
    """What a creation does besides the account."""
    realm = catalog.realm_of(user.tenant)
    match realm.baseline.people.first_password:
        case FirstPassword.STORE:
            ref = f"people/{realm.name}.{user.username.lower()}#password"
            return {PASSWORD: Secret(ref, shape=shape(realm.baseline))}
        case FirstPassword.MAIL:
            return {MAIL: "by mail"}
        case _:
            return {}


def wanted(catalog: Catalog, user: User) -> Fields:
    """An invitation goes out where there is a mail server, and to an account that is open: others get an error."""
    baseline = catalog.realm_of(user.tenant).baseline
    by_mail = baseline.people.first_password is FirstPassword.MAIL
    if by_mail and baseline.sender and catalog.environment.mail and user.period.holds(catalog.as_of):
        return {"invited": True}
    return {}


def shape(baseline: RealmBaseline) -> Shape:
    """What a password is made of that the realm's policy takes."""
    policy = baseline.password_policy

    def number(name: str, otherwise: int) -> int:
        found = policy.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) else otherwise

    sorts = {name: max(1, number(name, 1)) for name in ("upper", "lower", "digits", "special")}
    length = max(number("length", LONG), LONG, sum(sorts.values()))
    return Shape(max(min(length, number("max_length", length)), sum(sorts.values())), **sorts)


def found(one: Json) -> bool:
    """Whether nobody waits for an invitation: an account that was made otherwise has no such mark."""
    return attribute(one, INVITED) != NOT_YET


def body(server: Keycloak, want: Resource) -> Json:
    """What the request that makes the account carries besides it."""
    secret = want.initial.get(PASSWORD)
    if not isinstance(secret, Secret):
        return {}
    return {"credentials": [{"type": "password", "value": server.reveal(secret), "temporary": True}]}


def mark(want: Resource) -> dict[str, list[str]]:
    return lists({INVITED: NOT_YET}) if MAIL in want.initial else {}


def invite(server: Keycloak, realm: str, id: str) -> None:
    """Send the link, and note the day only when Keycloak has handed the mail over."""
    where = path(realm, "users", id)
    one = server.session.get(where)
    if found(one):
        return
    server.session.put(f"{where}/execute-actions-email", ["UPDATE_PASSWORD"])
    kept = {name: one.get(name) for name in ("username", "email", "firstName", "lastName")}
    attributes = {**(one.get("attributes") or {}), INVITED: [server.today.isoformat()]}
    server.session.put(where, {**kept, "attributes": attributes})
