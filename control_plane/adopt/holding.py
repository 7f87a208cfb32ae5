"""What of a draft is taken over: that of which the plan with adoption changes nothing but the mark.

The plan itself is asked, so no second judgement can say otherwise. An object that an apply would change is left out of
the draft, with the reason, and with it goes what refers to it; the plan is then asked again. What a realm of ours has
in one way only cannot be left out: it is told as what an apply changes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from control_plane.adopt import documents
from control_plane.adopt.realms import LEAVE, Draft, Drafts
from control_plane.adopt.translation import Note
from control_plane.catalog.checks.names import ATTRIBUTES as RESERVED
from control_plane.catalog.load import read
from control_plane.catalog.model import Catalog
from control_plane.engine.plan import FieldChange, Plan, Update, make_plan
from control_plane.engine.read import Versions, want
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.target import Target
from control_plane.engine.values import Value
from control_plane.keycloak import (
    brokers,
    clients,
    composites,
    directories,
    groups,
    mail,
    profiles,
    proofs,
    providers,
    roles,
    scopes,
    users,
)
from control_plane.keycloak.marks import MANAGED
from control_plane.keycloak.protocols import SECRET
from control_plane.problems import ConfigurationError, Problem, Refused

STEPS = (  # what refers to it comes later
    {roles.NAME, composites.NAME},
    {groups.NAME},
    {users.NAME, clients.NAME, providers.NAME},
)
IMPOSED = {  # renkei's in every realm, or a secret that nobody can compare: told, and no reason to leave the object out
    providers.NAME: {providers.FIRST, providers.AFTER, SECRET},
    mail.NAME: {"password"},
}
PARTS_OF_THE_MARK = {MANAGED, "title", "tenant"}
TEXTS = {"description", "name", "displayName"}  # for people: set where there was none
BY_ITSELF = "service_account"  # the scope that Keycloak adds to each client with an account of its own
REASONS = {  # what a changed field means for somebody who knows Keycloak and not us
    "open": "people come in through identity providers that the YAML does not name, and an apply switches them off",
    "fullScopeAllowed": "its tokens carry every role of its user (full scope)",
    "implicitFlowEnabled": "it uses the implicit flow",
    "directAccessGrantsEnabled": "it may take passwords directly (direct grant)",
    "serviceAccountsEnabled": "it has no account of its own, and every service with a secret has one",
    "authenticationFlowBindingOverrides": "it has a login flow of its own",
    "protocolMappers": "mappers of its own write into its tokens",
    "client_roles": "roles of clients come with it, which may administer the realm",
    clients.CONSENT: "people are asked for their consent, and the YAML asks for data scopes, which come with APIs",
    providers.FIRST: "who comes through it for the first time passes renkei's steps, which prove the account",
    providers.AFTER: "after each login through it the realm's second factor is asked for",
    providers.MORE: "settings that the YAML does not know",
    SECRET: "Keycloak does not show its secret: the store must have it before an apply, which writes it",
    "password": "Keycloak does not show the password: the store must have it before an apply, which writes it",
    proofs.PKCE: "its logins need no PKCE (S256)",
    proofs.KIND: "it proves who it is in another way than by a secret or by keys at an address",
    proofs.LONGEST: "its proofs may live longer than a minute",
}


def hold(drafts: Drafts, target: Target, have: State, versions: Versions) -> Plan:
    """The plan of what is left of the draft; the rest is in its notes. Raises Refused at another platform's marks."""
    read = {key: one for key, one in have.items() if key.within in drafts.realms}
    _leave_what_is_refused(drafts)
    while True:
        found = {key: _without_named(drafts, one) for key, one in read.items()}
        plan = make_plan(target.kinds, want([target], catalog_of(drafts), versions), found, adopt=True)
        if plan.conflicts:
            help = "import it under that platform's name"
            raise Refused(
                *(Problem(f"{here.key} has another platform's mark", help=help) for _, here in plan.conflicts)
            )
        changed = {one.key: whys for one in plan if isinstance(one, Update) and (whys := list(_whys(one, IMPOSED)))}
        step = next((some for kinds in STEPS if (some := [key for key in changed if _in(drafts, key, kinds)])), [])
        if not step:
            _tell(drafts, plan)
            return plan
        for key in step:
            drafts.notes.append(Note(_named(key), "; ".join(changed[key]), LEAVE))
            _leave(drafts, key)


def _leave_what_is_refused(drafts: Drafts) -> None:
    """Identity providers that a rule of the language forbids beside the rest: one that writes over people's names."""
    try:
        catalog_of(drafts)
        return
    except ConfigurationError:
        doors = {name: draft.providers for name, draft in drafts.realms.items()}
    for draft in drafts.realms.values():
        draft.providers = {}
    for realm, found in doors.items():
        for alias, entry in found.items():
            drafts.realms[realm].providers[alias] = entry
            try:
                catalog_of(drafts)
            except ConfigurationError as error:
                del drafts.realms[realm].providers[alias]
                whys = "; ".join(problem.message for problem in error.problems)
                drafts.notes.append(Note(f"provider {alias} of realm {realm}", whys, LEAVE))


def catalog_of(drafts: Drafts) -> Catalog:
    """The draft as the language reads it, from files as they will stand there."""
    with tempfile.TemporaryDirectory(prefix="renkei-import-") as directory:
        for name, text in documents.of_realms(drafts):
            path = Path(directory) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        found = read(Path(directory))
        return found.catalog(found.environments[0])


def _without_named(drafts: Drafts, one: Resource) -> Resource:
    """Providers that the draft names are to be adopted, and so are not those which an apply would close."""
    open = one.fields.get(brokers.OPEN) if one.key.kind == brokers.NAME else None
    if not isinstance(open, frozenset):
        return one
    others = frozenset(open - drafts.realms[one.key.within].providers.keys())
    return replace(one, fields={**one.fields, brokers.OPEN: others})


def _in(drafts: Drafts, key: Key, kinds: set[str]) -> bool:
    """Whether the draft has the object, and can do without it."""
    draft = drafts.realms[key.within]
    held = {roles.NAME: drafts.roles, groups.NAME: draft.groups, users.NAME: draft.users, clients.NAME: draft.services}
    held |= {composites.NAME: drafts.roles, providers.NAME: draft.providers}
    return key.kind in kinds and key.name in held[key.kind]


def _leave(drafts: Drafts, key: Key) -> None:
    """Take the object out of the draft, and whatever names it."""
    draft = drafts.realms[key.within]
    if key.kind in (roles.NAME, composites.NAME):
        drafts.roles.pop(key.name, None)
        for realm in drafts.realms.values():
            for entry in (*drafts.roles.values(), *realm.groups.values(), *realm.users.values()):
                for word in ("includes", "roles"):
                    _forget(entry, word, key.name)
            _forget_mappers(realm, "role", key.name)
    elif key.kind == groups.NAME:
        gone = draft.groups.pop(key.name)
        for entry in draft.users.values():
            _forget(entry, "groups", gone["group"])
        _forget_mappers(draft, "group", gone["group"])
    elif key.kind == users.NAME:
        del draft.users[key.name]
    elif key.kind == providers.NAME:
        del draft.providers[key.name]
    else:
        del draft.services[key.name]


def _forget(entry: dict[str, Any], word: str, name: str) -> None:
    if name in entry.get(word, ()):
        entry[word] = [one for one in entry[word] if one != name]
        if not entry[word]:
            del entry[word]


def _forget_mappers(draft: Draft, word: str, name: str) -> None:
    for entry in draft.providers.values():
        if "mappers" in entry:
            entry["mappers"] = [one for one in entry["mappers"] if one.get(word) != name]


# ---------------------------------------------------------------- told


def _whys(change: Update, imposed: Mapping[str, set[str]] | None = None) -> Iterator[str]:
    """What an apply would change besides the mark, and besides what is imposed."""
    names = (imposed or {}).get(change.key.kind, set())
    return (_why(one) for one in change.changes if not is_mark(change.key, one) and one.path[0] not in names)


def is_mark(key: Key, one: FieldChange) -> bool:
    """The mark, a text for people where there is none, and what renkei puts beside: its group and its client scope."""
    name, before, after = one.path[0], one.before, one.after
    if name in PARTS_OF_THE_MARK or (name in TEXTS and not before):
        return True
    if key.kind == profiles.NAME and name.startswith(RESERVED):  # attributes of people that hold marks of ours
        return True
    if not isinstance(before, frozenset) or not isinstance(after, frozenset):
        return False
    if (key.kind, name) == (users.NAME, "groups"):
        return not before
    scopes_of_client = (key.kind, name) == (clients.NAME, "defaultClientScopes")
    return scopes_of_client and before - after <= {BY_ITSELF} and after - before <= {scopes.GATEWAY}


def _why(one: FieldChange) -> str:
    name, before, after = ".".join(one.path), one.before, one.after
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        signs = (("-", before - after), ("+", after - before))
        difference = " ".join(f"{sign} {member}" for sign, members in signs for member in sorted(map(str, members)))
    else:
        difference = f"{_shown(before)} → {_shown(after)}"
    reason = REASONS.get(one.path[0])
    return f"{reason}: {name} {difference}" if reason else f"{name} {difference}"


def _shown(value: Value) -> str:
    return (
        "(none)" if value in (None, "", frozenset()) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _named(key: Key) -> str:
    kind = key.kind.partition(".")[2].replace("composite", "role")
    return f"{kind} of realm {key.within}" if key.name == key.within else f"{kind} {key.name} of realm {key.within}"


def _tell(drafts: Drafts, plan: Plan) -> None:
    """What an apply changes of what is taken over, and what of others it will be told of."""
    for one in plan:
        if not isinstance(one, Update):
            continue
        whys = list(_whys(one))
        if whys:
            todo = "renkei has it so in every realm, and an apply changes it: look first who relies on it"
            drafts.notes.append(Note(_named(one.key), "; ".join(whys), todo))
        lost = {str(member) for change in one.changes for member in _less(change)}
        if one.key.kind == clients.NAME and BY_ITSELF in lost:
            why = f"its tokens lose what Keycloak's own scope {BY_ITSELF} writes: client_id, clientHost, clientAddress"
            drafts.notes.append(
                Note(_named(one.key), why, "see that nobody looks at these claims; azp names the client")
            )
    told = {note.what for note in drafts.notes}
    for found in plan.unmanaged:
        if found.danger and found.key.kind != directories.NAME:  # of these the import tells more
            todo = f"drift calls it security until it is gone: {found.remove or 'declare it, or take it away'}"
            drafts.notes.append(Note(_named(found.key), found.danger, todo))
        elif found.key.kind == scopes.NAME and _named(found.key) not in told:
            why = "a client scope is made for data of an API, by grants"
            drafts.notes.append(Note(_named(found.key), why, "it stays; write the API and its data scopes by hand"))


def _less(change: FieldChange) -> frozenset[Value]:
    before, after = change.before, change.after
    return before - after if isinstance(before, frozenset) and isinstance(after, frozenset) else frozenset()
