"""The servers of an environment: their addresses and credentials, our clients for them, the secret store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from control_plane import keycloak, kong
from control_plane.catalog.model import (
    Catalog,
    Environment,
    FileSecretsSettings,
    KeycloakSettings,
    KongSettings,
    SecretRef,
    VaultSettings,
)
from control_plane.engine.publickey import key_digest
from control_plane.engine.scope import concerned
from control_plane.engine.target import Target
from control_plane.engine.values import RealmKey, Secret
from control_plane.keycloak import Keycloak, leaving
from control_plane.kong import Kong
from control_plane.problems import ConfigurationError, Problem, Refused, bug
from control_plane.sandbox.state import Sandbox, load
from control_plane.secrets import Book, Store, credential, open_store

SANDBOX = Path(".renkei/sandbox")  # below the configuration directory
SANDBOX_CLIENT = SecretRef("keycloak/admin", "client_secret")


@dataclass(frozen=True)
class Systems:
    """Everything that one run talks to. Made anew for each reading: the clients remember what they have read."""

    keycloak: Keycloak
    kong: Kong
    store: Store
    book: Book
    targets: tuple[Target, ...]
    realms: frozenset[str]

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """Realm to the digest of the key that it signs with now. Asked for when the first one is looked at."""
        return {realm: key_digest(pem) for realm, pem in self.keycloak.realm_keys(self.realms).items()}

    def versions(self, reference: Secret | RealmKey) -> str | None:
        """The digest of what the reference points at now; None while there is nothing."""
        match reference:
            case Secret(ref=ref, previously=before):
                return self.book.versions(ref) or (self.book.versions(before) if before else None)
            case RealmKey(realm=realm):
                return self.keys.get(realm)


def place(catalog: Catalog, directory: Path) -> Catalog:
    """The catalog with the addresses of this directory's sandbox, when its environment is the embedded one.

    Where no sandbox was ever brought up the catalog stays as it is: to validate it needs none.
    """
    if not catalog.environment.embedded:
        return catalog
    state = load((directory / SANDBOX).absolute())
    return replace(catalog, environment=_embedded(catalog, state.sandbox)) if state else catalog


def _embedded(catalog: Catalog, sandbox: Sandbox) -> Environment:
    """What the YAML says of the sandbox, and for the rest its own addresses. An upstream without a URL is the echo."""
    echo = sandbox.upstream_url
    upstreams = {api.upstream: echo for api in catalog.apis.values()} if echo else {}
    return replace(
        catalog.environment,
        keycloak=KeycloakSettings(sandbox.keycloak_url, sandbox.client_id, SANDBOX_CLIENT)
        if sandbox.keycloak_url
        else None,
        kong=KongSettings(sandbox.kong_admin_url, sandbox.kong_proxy_url) if sandbox.kong_admin_url else None,
        secrets=FileSecretsSettings(str(sandbox.secrets_directory)),
        upstreams={**upstreams, **catalog.environment.upstreams},
    )


def connect(catalog: Catalog, directory: Path, parallel: int | None, only: tuple[str, ...] = ()) -> Systems:
    """The clients for one run, and of the targets those that `only` concerns.

    Reads our own credentials and the index of secrets. Each system's own number of requests in flight holds where
    neither `parallel` nor the YAML names one.
    """
    given = parallel or catalog.platform.limits.parallel
    environment = catalog.environment
    settings = _complete(environment)
    store = open_store(settings.secrets, directory)
    book = Book(store)

    def reveal(reference: Secret | RealmKey) -> str:
        match reference:
            case Secret(ref=ref):
                return book.reveal(ref)
            case RealmKey(realm=realm):
                return identity.public_key(realm)

    identity = Keycloak(
        settings.keycloak,
        client_secret=_client_secret(settings.keycloak, store, environment, directory),
        platform=catalog.platform.name,
        realms=frozenset(catalog.realms),
        today=leaving.today(catalog),
        seal=book.seal,
        reveal=reveal,
        known=book.versions,
        parallel=given or keycloak.PARALLEL,
    )
    token = settings.kong.admin_token
    gateway = Kong(
        settings.kong,
        admin_token=credential(store, token) if token else None,
        platform=catalog.platform.name,
        seal=book.seal,
        reveal=reveal,
        parallel=given or kong.PARALLEL,
        peek=lambda secret: book.peek(secret.ref),
    )
    targets = (keycloak.target(identity, identity.parallel, catalog), kong.target(gateway, gateway.parallel, catalog))
    return Systems(identity, gateway, store, book, concerned(targets, only), frozenset(catalog.realms))


@dataclass(frozen=True)
class _Complete:
    keycloak: KeycloakSettings
    kong: KongSettings
    secrets: VaultSettings | FileSecretsSettings


def _complete(environment: Environment) -> _Complete:
    if environment.embedded and environment.keycloak is None:
        raise Refused(Problem("the sandbox has not been brought up here", help="renkei sandbox up"))
    if environment.keycloak is None or environment.kong is None or environment.secrets is None:
        raise ConfigurationError(
            Problem(
                f"environment '{environment.name}' lacks keycloak, kong or secrets",
                environment.origin,
                help="give all three, or none of them for the sandbox",
            )
        )
    return _Complete(environment.keycloak, environment.kong, environment.secrets)


def _client_secret(settings: KeycloakSettings, store: Store, environment: Environment, directory: Path) -> str:
    """Our own client's secret: in the sandbox from the file that it wrote, elsewhere from the store."""
    if not environment.embedded:
        return credential(store, settings.client_secret)
    state = load((directory / SANDBOX).absolute())
    if state is None:
        raise bug("the sandbox went away")
    return state.sandbox.client_secret_file.read_text("utf-8").strip()
