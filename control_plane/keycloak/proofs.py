"""How a client proves who it is: by a secret, by a key that it alone has (`private_key_jwt`), or not at all (public).

Everything that decides on it is compared for every client of ours: Keycloak stores any text as an algorithm or a set
of keys and answers 201. Keys in Git and keys at an address shut each other out (both on: 400), so the one that is not
wanted is switched off in the same write. Who catches a login's code on its way cannot use it (PKCE, RFC 7636), for
confidential clients neither.

Keycloak gives a client with keys a secret too, which is unused only while the kind of proof stands: so nobody ever
knows it, neither the one that Keycloak shows nor the one that the client had before.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from control_plane.catalog.model import Service
from control_plane.engine.plan import FieldChange
from control_plane.engine.values import Fields, Secret, Value, texts
from control_plane.keycloak.answers import Json
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

BY_SECRET, BY_KEY = "client-secret", "client-jwt"
KIND = "clientAuthenticatorType"
SECRET = "secret"  # noqa: S105  a field of the representation
RENEWED = frozenset({SECRET, "publicClient", KIND})  # a change of these makes a new secret

PKCE = "pkce.code.challenge.method"
KEYS_URL = "jwks.url"
FROM_GIT, FROM_URL = "use.jwks.string", "use.jwks.url"
ALGORITHM = "token.endpoint.auth.signing.alg"
LONGEST = "token.endpoint.auth.signing.max.exp"  # seconds that an assertion may live
SECONDS = 60  # what Keycloak takes when nothing is said; said, so that a longer one is seen
PLAIN = (PKCE, FROM_GIT, FROM_URL, KEYS_URL, ALGORITHM, LONGEST)
KEYS = "jwks.string"
LOGOUTS = "post.logout.redirect.uris"
ATTRIBUTES = frozenset({*PLAIN, KEYS, LOGOUTS})
BETWEEN = "##"  # of several values in one attribute
ON = "true"


def wanted(service: Service) -> Fields:
    auth = service.client_auth
    fields: dict[str, Value] = {
        "publicClient": service.public,
        KIND: BY_KEY if auth else BY_SECRET,
        "serviceAccountsEnabled": not service.public,
        **({PKCE: "S256"} if service.redirect_uris else {}),  # else it is nothing to it, and a policy may set it
        FROM_GIT: ON if auth and auth.keys else None,
        FROM_URL: ON if auth and auth.keys_url else None,
        KEYS_URL: auth.keys_url if auth else None,
        ALGORITHM: auth.algorithm if auth else None,
        LONGEST: str(SECONDS) if auth else None,
        KEYS: frozenset(key.jwk for key in auth.keys) if auth else frozenset(),
        LOGOUTS: frozenset(service.post_logout_redirect_uris),
    }
    if not auth and not service.public:
        fields[SECRET] = Secret.of(service.name, "client_secret", service.previously)
    return fields


def found(one: Json) -> dict[str, Value]:
    said: Mapping[str, str] = one.get("attributes") or {}
    fields: dict[str, Value] = {name: said.get(name) or None for name in PLAIN}
    for name in (FROM_GIT, FROM_URL):
        fields[name] = None if fields[name] == "false" else fields[name]
    fields[KEYS] = _keys(said.get(KEYS) or "")
    fields[LOGOUTS] = frozenset(filter(None, (said.get(LOGOUTS) or "").split(BETWEEN)))
    return fields


def _keys(text: str) -> frozenset[str]:
    """Each key of the set by itself; a text that is no set of keys as it is."""
    if not text:
        return frozenset()
    try:
        keys = json.loads(text)["keys"]
        return frozenset(json.dumps(key, sort_keys=True, separators=(",", ":")) for key in keys)
    except (ValueError, KeyError, TypeError):
        return frozenset({text})


def attributes(fields: Fields, names: frozenset[str]) -> dict[str, str]:
    """The named ones as Keycloak takes them: an empty text takes one away."""
    body = {name: str(fields[name] or "") for name in PLAIN if name in names}
    if KEYS in names:
        keys = sorted(texts(fields, KEYS))
        body[KEYS] = f'{{"keys":[{",".join(keys)}]}}' if keys else ""
    if LOGOUTS in names:
        body[LOGOUTS] = BETWEEN.join(sorted(texts(fields, LOGOUTS)))
    return body


def secret(server: Keycloak, fields: Fields, names: frozenset[str]) -> dict[str, str]:
    """The secret, only where it changes or would be made anew; none that anybody knows for a client with keys."""
    if not names & RENEWED or fields["publicClient"]:
        return {}
    reference = fields.get(SECRET)
    return {SECRET: server.reveal(reference) if isinstance(reference, Secret) else secrets.token_urlsafe(32)}


def without_address(changed: frozenset[str]) -> dict[str, str]:
    """What takes the address away, where Keycloak is to fetch keys from elsewhere or none any more; else nothing."""
    return dict.fromkeys(changed & {KEYS_URL, FROM_URL}, "")


def forget(server: Keycloak, realm: str) -> None:
    """The keys that Keycloak has fetched: one that was withdrawn proves something for as long as it is remembered."""
    server.session.post(path(realm, "clear-keys-cache"), {})


# ---------------------------------------------------------------- danger


KNOWN_TO_OTHERS = "it proves who it is with a secret that others may know, and Git knows of none"
OF_KEYS = frozenset({FROM_GIT, FROM_URL, KEYS_URL, ALGORITHM, LONGEST, KEYS})  # nothing to a client with a secret


def danger(one: FieldChange, want: Fields) -> str | None:
    """Why the client may be taken for another, or a login through it be caught, until this is as wanted."""
    name, before, after = one.path[0], one.before, one.after
    if name in OF_KEYS and want[KIND] != BY_KEY:
        return None
    match name:
        case "secret":
            return "whoever has this other secret is this client"
        case "client.secret.rotated":
            return "whoever has this second secret is this client, too"
        case "publicClient":
            return KNOWN_TO_OTHERS if after else "whoever knows its name is this client"
        case "clientAuthenticatorType":
            return "it proves who it is in another way than Git says"
        case "serviceAccountsEnabled":
            return "it has an account and tokens of its own, and Git does not say so" if before else None
        case "jwks.string":
            more = isinstance(before, frozenset) and isinstance(after, frozenset) and before - after
            return "whoever has a key that Git does not name is this client" if more else None
        case "jwks.url" | "use.jwks.url" | "use.jwks.string":
            return "its keys come from where Git does not say" if before else None
        case "token.endpoint.auth.signing.alg":
            return "its proofs may be signed in another way than Git says"
        case "token.endpoint.auth.signing.max.exp":
            return "a proof of it that leaks can be used for longer" if _longer(before, after) else None
        case "pkce.code.challenge.method":
            return "whoever catches the code of a login can use it" if after else None
        case "post.logout.redirect.uris":
            more = isinstance(before, frozenset) and isinstance(after, frozenset) and before - after
            return "a logout sends people to addresses that Git does not name" if more else None
    return None


def _longer(before: Value, after: Value) -> bool:
    """Keycloak takes its own least, 60 seconds, for nothing; what is no number at all is worth a look."""
    if before is None:
        return False
    try:
        return int(str(before)) > int(str(after or 0))
    except ValueError:
        return True
