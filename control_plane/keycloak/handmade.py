"""What is held to of clients that people make by hand, in the console or by registration: Keycloak's client policies.

A policy says when it is asked, a profile what it then does: refuses the client, or sets what it must have. It is asked
when a client is made or changed, and not when people sign in through it, for then it would refuse Keycloak's own. Our
own clients are written under it as well, and pass.

Two pairs for each realm, both of our name. Addresses and PKCE hold for every client. What a client may do is set rather
than refused, since the console itself asks for full scope with each new client; Keycloak's own two consoles live by it,
and are known by the kind of their tokens.

A policy whose profile somebody has taken away does nothing, and Keycloak says nothing: so a pair is compared as one
thing. How it is written without losing what others have put there: `policylists`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Catalog, RealmBaseline
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Create, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields, Value, texts
from control_plane.keycloak import policylists
from control_plane.keycloak.answers import Json
from control_plane.keycloak.marks import PREFIX
from control_plane.keycloak.server import Keycloak

NAME = "keycloak.client-policy"
ADDRESSES, POWERS = f"{PREFIX}client-addresses", f"{PREFIX}client-powers"  # of a profile and its policy
DESCRIPTION = "By renkei, from the realm's template: changed there, and not here."
ADDRESS_PATTERNS = (
    "(https://[^*#]+)?",
    r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/[^*#]*)?",  # an application on the person's own machine
    "[+-]",  # web origins and addresses after a logout: those of the login, or none
    r"\$\{auth(Admin|Base)Url\}",  # Keycloak's own clients, which an administrator may change, too
    "/(realms/[^/*]+/account|admin/[^/*]+/console)/[*]?",
)
PATTERN = "secure-client-uris-pattern"
SET: Json = {"auto-configure": True}  # set, where it is not, and not refused
EXECUTORS: Mapping[tuple[str, bool], tuple[str, str, Json]] = {  # word and value -> of which pair, and what it does
    ("pkce", True): (ADDRESSES, "pkce-enforcer", SET),
    ("secure_redirects", True): (ADDRESSES, PATTERN, {"allowed-patterns": list(ADDRESS_PATTERNS)}),
    ("full_scope", False): (POWERS, "full-scope-disabled", SET),
    ("password_login", False): (POWERS, "reject-ropc-grant", SET),
}
SOURCES = ("ByAuthenticatedUser", "ByAnonymous", "ByInitialAccessToken", "ByRegistrationAccessToken")
WHEN_WRITTEN: tuple[str, Json] = ("client-updater-context", {"update-client-source": list(SOURCES)})
LIGHT = [{"key": "client.use.lightweight.access.token.enabled", "value": "true"}]  # as the two consoles' tokens are
NOT_A_CONSOLE: tuple[str, Json] = ("client-attributes", {"attributes": json.dumps(LIGHT), "is-negative-logic": True})
CONDITIONS: Mapping[str, tuple[tuple[str, Json], ...]] = {
    ADDRESSES: (WHEN_WRITTEN,),
    POWERS: (WHEN_WRITTEN, NOT_A_CONSOLE),
}
UNHELD = "clients that people make by hand may have what Git keeps from them"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for name, executors in wanted(realm.baseline).items():
            fields: Fields = {
                "enabled": True,
                "conditions": frozenset(_text(*one) for one in CONDITIONS[name]),
                "profiles": frozenset({name}),
                "executors": frozenset(_text(*one) for one in executors),
            }
            yield Resource(Key(NAME, realm.name, name), fields, realm.origin, frozenset({realm.owner}))


def wanted(baseline: RealmBaseline) -> Mapping[str, list[tuple[str, Json]]]:
    """What is done to a client, by the name of the pair; a pair that would do nothing is not there."""
    found: dict[str, list[tuple[str, Json]]] = {}
    for said, (name, executor, configuration) in EXECUTORS.items():
        if said in baseline.clients.items():
            found.setdefault(name, []).append((executor, configuration))
    return found


def executors(baseline: RealmBaseline) -> Iterator[str]:
    """Those that a server must know."""
    return (executor for pair in wanted(baseline).values() for executor, _ in pair)


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    """Without a request of its own: both lists are part of the realm."""
    for realm in server.ours():
        profiles, policies = (
            _by_name((server.found[realm].get(field) or {}).get(sort))
            for field, sort in (("clientProfiles", "profiles"), ("clientPolicies", "policies"))
        )
        for name in CONDITIONS:
            if name in profiles or name in policies:
                yield Resource(Key(NAME, realm, name), _found(profiles.get(name, {}), policies.get(name, {})))


def _by_name(found: list[Json] | None) -> dict[str, Json]:
    return {str(one.get("name")): one for one in found or ()}


def _found(profile: Json, policy: Json) -> Fields:
    fields: dict[str, Value] = {
        "enabled": policy.get("enabled") is True,
        "conditions": frozenset(_parts(policy.get("conditions"), "condition")),
        "profiles": frozenset(map(str, policy.get("profiles") or ())),
        "executors": frozenset(_parts(profile.get("executors"), "executor")),
    }
    return fields


def _parts(found: list[Json] | None, sort: str) -> Iterator[str]:
    return (_text(str(one.get(sort)), one.get("configuration") or {}) for one in found or ())


def _text(name: str, configuration: Json) -> str:
    """A part as a plan shows it, and as two of them are compared."""
    return f"{name} {json.dumps(configuration, sort_keys=True, separators=(',', ':'))}"


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    realm, name = want.key.within, want.key.name
    profile = {"name": name, "description": DESCRIPTION, "executors": _as_sent(want, "executors", "executor")}
    policy = {
        "name": name,
        "description": DESCRIPTION,
        "enabled": want.fields["enabled"],
        "conditions": _as_sent(want, "conditions", "condition"),
        "profiles": sorted(texts(want.fields, "profiles")),
    }
    policylists.put(server.session, realm, profile, policy)


def update(server: Keycloak, change: Update) -> None:
    create(server, change.want)


def delete(server: Keycloak, have: Resource) -> None:
    policylists.take(server.session, have.key.within, have.key.name)


def _as_sent(want: Resource, field: str, sort: str) -> list[Json]:
    parts = (text.partition(" ") for text in sorted(texts(want.fields, field)))
    return [{sort: name, "configuration": json.loads(configuration)} for name, _, configuration in parts]


def danger(change: Change, have: State) -> str | None:
    """One that is missing in a realm that is there, or does something else; a new realm has had no such client yet."""
    match change:
        case Create() if Key("keycloak.realm", change.key.within, change.key.within) in have:
            return UNHELD
        case Update():
            return UNHELD
    return None


CLIENT_POLICY = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.realm",),
    serial_by=lambda policy: policy.key.within,
    aspect=True,
    danger=danger,
)
