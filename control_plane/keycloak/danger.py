"""Which differences of our own objects in Keycloak give somebody more than Git says, and in what words.

More roles, groups or ways to sign in are a danger, fewer are not. A login flow, its binding and what a token carries
are one whenever they differ. Objects of others in a realm are not judged here.
"""

from __future__ import annotations

from control_plane.engine.plan import Change, Create, Delete, FieldChange, Update
from control_plane.engine.resource import Key, State
from control_plane.keycloak import pairwise, proofs
from control_plane.keycloak.marks import EXEMPT

NOBODY_ASKED = "the role in the login flow's condition is missing: nobody is asked for a second factor"
EXEMPTED = "no second factor is asked of this account, and Git does not say so"
UNASKED = "people's data go to it without their consent"
RIGHTS = {
    "roles": "roles that Git does not give",
    "client_roles": "roles of a client, which may administer the realm",
    "groups": "memberships that Git does not give",
    "redirectUris": "codes of its logins go to addresses that Git does not name",
    "webOrigins": "pages of origins that Git does not name may use it",
    "defaultClientScopes": "its tokens carry more than Git grants",
    "optionalClientScopes": "its tokens may carry more than Git grants",
    "authenticationFlowBindingOverrides": "it goes around the realm's login flow",
    "protocolMappers": "a mapper that Git does not know writes into its tokens",
}
SWITCHES = {  # field -> what it means while it is not as wanted
    "fullScopeAllowed": "its tokens carry every role of its user",
    "implicitFlowEnabled": "its tokens pass through addresses of the browser",
    "directAccessGrantsEnabled": "it may sign people in with a password alone",
    "standardFlowEnabled": "people sign in through it, and Git does not say so",
}


def of_client(change: Change, have: State) -> str | None:
    match change:
        case Delete():
            return "it signs in, and Git no longer knows it"
        case Update(changes=changes, want=want):
            for one in changes:
                name = one.path[0]
                if name == "enabled" and one.before is True:
                    return "it is switched on outside of its period"
                if name == "minimum.acr.value" and one.after is not None:
                    return "people sign in through it with less than Git says"
                if name == "consentRequired" and one.after is True:
                    return UNASKED
                if name in SWITCHES and one.before is not False:
                    return SWITCHES[name]
                if name == pairwise.FIELD and (why := pairwise.danger(one)):
                    return why
                if why := proofs.danger(one, want.fields) or _more(one):
                    return why
    return None


def of_holder(change: Change, have: State) -> str | None:
    """A person, a group, or a role with what it includes."""
    match change:
        case Update(changes=changes, want=want):
            for one in changes:
                if one.path[0] == "enabled" and one.before is True:
                    return "the account is switched on, and Git says that it is not"
                if one.path == ("attributes", EXEMPT) and one.before is not None:
                    return EXEMPTED
                if why := _more(one):
                    return why
                if want.key.kind == "keycloak.composite" and one.path[0] == "roles":
                    return "a role that it demands is missing: a second factor may not be asked for"
        case Delete() if change.key.kind == "keycloak.group":
            return "it may give roles, and Git no longer knows it"
    return None


def of_login(change: Change, have: State) -> str | None:
    """A login flow or its binding to the realm."""
    if isinstance(change, Update) and change.key.name == "reset":
        return "people get a new password, and may get in, by other steps than Git says"
    return "people sign in by other steps than Git says" if isinstance(change, Update) else None


def of_role(change: Change, have: State) -> str | None:
    """A condition that names a role which is not there lets everyone in with the password alone."""
    if not isinstance(change, Create):
        return None
    condition = f'"condUserRole":"{change.key.name}"'
    return NOBODY_ASKED if any(condition in step for step in steps_of_the_login(change.key.within, have)) else None


def steps_of_the_login(realm: str, have: State) -> tuple[str, ...]:
    """Of the flow that the realm is bound to; none of one that is not ours."""
    bound = have.get(Key("keycloak.binding", realm, "browser"))
    flow = have.get(Key("keycloak.flow", realm, str(bound.fields.get("flow")))) if bound else None
    steps = flow.fields.get("steps") if flow else None
    return tuple(map(str, steps)) if isinstance(steps, tuple) else ()


def of_scope(change: Change, have: State) -> str | None:
    if isinstance(change, Delete):
        return change.have.danger  # with our mark, and Git has never asked for what it writes
    for one in change.changes if isinstance(change, Update) else ():
        match one.path[0]:
            case "description" | "owner" | "gui.order":
                continue
            case "display.on.consent.screen":
                if one.after == "true":
                    return UNASKED
            case "consent.screen.text":
                if one.after is not None:
                    return "people consent to other words than Git says"
            case _:
                return "tokens carry something else than Git says"
    return None


def of_profile(change: Change, have: State) -> str | None:
    rights = isinstance(change, Update) and any(one.path[-1] != "title" for one in change.changes)
    return "people may see or change what Git keeps from them" if rights else None


def _more(one: FieldChange) -> str | None:
    if one.path[0] in RIGHTS and isinstance(one.before, frozenset) and isinstance(one.after, frozenset):
        return RIGHTS[one.path[0]] if one.before - one.after else None
    return None
