"""Realms of a Keycloak that exists, as a configuration to begin with. Keycloak is read and never written."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from control_plane import keycloak
from control_plane.adopt import baselines, documents, doors, realms
from control_plane.adopt.holding import hold
from control_plane.adopt.realms import Draft, Drafts
from control_plane.adopt.translation import Note
from control_plane.app.importing import Imported, keep, written
from control_plane.catalog.model import KeycloakSettings, SecretRef
from control_plane.engine.read import have
from control_plane.engine.resource import Key, State
from control_plane.engine.values import RealmKey, Secret
from control_plane.keycloak import Keycloak, clients, directories, pairwise
from control_plane.keycloak.answers import Json, a_list
from control_plane.keycloak.session import path
from control_plane.problems import Problem, Refused, bug

OWN_FLOWS = {"browserFlow": "browser", "directGrantFlow": "direct grant", "resetCredentialsFlow": "reset credentials"}
NEVER = SecretRef("keycloak/admin", "client_secret")  # our own secret is given as a file, and looked up nowhere


@dataclass
class Values:
    """The secrets that were read, by digest, in memory alone."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    known: dict[str, str] = field(default_factory=dict, repr=False)

    def seal(self, value: str) -> Secret:
        digest = hmac.new(self.key, value.encode(), hashlib.sha256).hexdigest()
        self.known[digest] = value
        return Secret("", digest)


def import_realms(
    settings: KeycloakSettings, client_secret: str, names: tuple[str, ...], out: Path, platform: str, keys: Path | None
) -> Imported:
    """Write the configuration, and with `keys` the clients' secrets into a store of files that is not part of it.

    Raises Refused, before the first write, when a realm is not there or one of the files is.
    """
    values = Values()
    server = Keycloak(
        settings,
        client_secret,
        platform=platform,
        realms=frozenset(names),
        today=datetime.now(UTC).date(),
        seal=values.seal,
        reveal=_never,
    )
    server.adopting = True
    target = keycloak.target(server)
    found = have([target])
    _there(server, names)
    drafts = Drafts(platform)
    for name in sorted(names):
        realms.add_roles(drafts, found, name)
    realms.forget_unknown_roles(drafts)
    for name in sorted(names):
        drafts.realms[name] = _draft(server, drafts, found, name)
        drafts.notes += _beside(server, name)
    doors.add_mail(drafts, {name: server.found[name] for name in names})
    digests = dict(_digests(found))
    hold(drafts, target, found, lambda one: digests.get(one.ref) if isinstance(one, Secret) else None)
    held = {
        ref: values.known[digest]
        for draft in drafts.realms.values()
        for name, service in draft.services.items()
        for ref in _secrets_of(name, service)
        if (digest := digests.get(ref))
    }
    files = written(out, documents.of_realms(drafts))
    if keys is not None:
        keep(held, keys)
    return Imported(files, tuple(drafts.notes), len(held))


def _digests(found: State) -> Iterator[tuple[str, str | None]]:
    """What Keycloak shows of the secrets of clients, by the names that they have in the store."""
    for key, one in found.items():
        if key.kind != clients.NAME:
            continue
        if isinstance(secret := one.fields.get("secret"), Secret):
            yield f"services/{key.name}#client_secret", secret.version
        own_ids = one.fields.get(pairwise.FIELD)
        if isinstance(own_ids, Mapping) and isinstance(salt := own_ids.get(pairwise.SALT), Secret):
            yield f"services/{key.name}#{pairwise.SECRET}", salt.version


def _secrets_of(name: str, service: Json) -> Iterator[str]:
    if not _without(service):
        yield f"services/{name}#client_secret"
    if service.get("subject") == "pairwise":
        yield f"services/{name}#{pairwise.SECRET}"


def _never(reference: Secret | RealmKey) -> str:
    raise bug("an import writes nothing, and needs no secret for it")


def _there(server: Keycloak, names: tuple[str, ...]) -> None:
    problems = [_absent(name) for name in names if name not in server.found]
    problems += [
        Problem(f"realm {name} has another platform's mark", help="import it under that platform's name")
        for name in names
        if name in server.found and name not in server.ours()
    ]
    if problems:
        raise Refused(*problems)


def _absent(name: str) -> Problem:
    return Problem(
        f"there is no realm '{name}', or our account may not see it", help="--realm names it as its URL does"
    )


def _draft(server: Keycloak, drafts: Drafts, found: State, name: str) -> Draft:
    raw = server.found[name]
    fields = found[Key("keycloak.realm", name, name)].fields
    default = found[Key("keycloak.default", name, "everybody")].fields["roles"]
    where = path(name, "users", "profile")
    profile = a_list(server.session.get(where).get("attributes"), where)
    said = baselines.template(name, raw, fields, frozenset(map(str, _set(default))), profile)
    draft = Draft(name, realms.title_of(raw.get("displayName"), name), said)
    taken = {one if isinstance(one, str) else one["name"] for one in said.get("attributes", ())}
    for attribute in sorted(str(one.get("name")) for one in profile):
        if attribute not in taken | baselines.OF_KEYCLOAK and not attribute.startswith("renkei"):
            why = "the YAML cannot say all that the user profile asks of it"
            todo = "it stays in the profile with everybody's value; the YAML holds neither"
            drafts.notes.append(Note(f"attribute {attribute} of realm {name}", why, todo))
    realms.add_groups(drafts, found, draft)
    realms.add_users(drafts, found, draft)
    protocols = {
        str(one.get("clientId")): str(one.get("protocol")) for one in server.session.list(path(name, "clients"))
    }
    realms.add_services(drafts, found, draft, protocols)
    doors.add_providers(drafts, found, draft)
    return draft


def _set(value: object) -> frozenset[Any]:
    return value if isinstance(value, frozenset) else frozenset()


def _without(service: Json) -> bool:
    """Whether the service proves itself without a secret."""
    return service.get("client") == "public" or "client_auth" in service


def _beside(server: Keycloak, name: str) -> Iterator[Note]:
    """What no kind of ours reads: it stays, and somebody should know."""
    raw = server.found[name]
    flows = sorted(str(raw.get(field)) for field, stock in OWN_FLOWS.items() if raw.get(field) != stock)
    named = f" ({', '.join(flows)})" if flows else ""
    yield Note(
        f"login flow of realm {name}",
        f"what logins ask for stays as it is{named}: `mfa: {{required: unmanaged}}`, and nobody watches it",
        "when all is adopted: mfa: {required: everyone} or by-role; the plan shows the change",
    )
    where = path(name, "components")
    for one in server.session.list(where, type=directories.STORAGE):
        why = (
            f"people come from it ({one.get('providerId')}), and a directory is not adopted: its settings and mappers "
            "would become ours. It stays, its people sign in, and drift calls it security, as no YAML names it"
        )
        todo = (
            "declare it under `directories`, and remove this one in Keycloak when the plan makes its own: its people's "
        )
        yield Note(f"directory {one.get('name')} of realm {name}", why, todo + "accounts here go with it")
    if raw.get("organizationsEnabled") is True:
        why = "organizations stay as they are: a tenant is a group here"
        yield Note(f"organizations of realm {name}", why, "nothing, unless rights hang on them")
