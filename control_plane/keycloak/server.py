"""One Keycloak as one run sees it: the session, the realms that are ours, and the server's ids behind the names."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TypeVar

from control_plane.catalog.model import KeycloakSettings
from control_plane.engine.values import RealmKey, Secret
from control_plane.keycloak import claims, keys
from control_plane.keycloak.answers import Json, Missing
from control_plane.keycloak.marks import is_nobodys, is_ours
from control_plane.keycloak.session import PARALLEL, Session, path
from control_plane.problems import NotAllowed, Problem, ServerError

T = TypeVar("T")
R = TypeVar("R")


class Keycloak:
    """`realms` are those that the catalog asks for: only their contents are read.

    `today` is the day of the run in the platform's zone.
    `seal` turns a secret found on the server into its digest, `reveal` a reference into its value, in the one write
    that needs it; `known` is the digest that the index has for a reference.
    """

    def __init__(
        self,
        settings: KeycloakSettings,
        client_secret: str,
        *,
        platform: str,
        realms: frozenset[str],
        today: date,
        seal: Callable[[str], Secret],
        reveal: Callable[[Secret | RealmKey], str],
        known: Callable[[str], str | None] = lambda ref: None,
        parallel: int = PARALLEL,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.session = Session(settings, client_secret, parallel=parallel, pause=pause)
        self.settings = settings
        self.platform = platform
        self.wanted = realms
        self.today = today
        self.seal = seal
        self.reveal = reveal
        self.known = known
        self.parallel = parallel
        self.adopting = False  # whether a stranger in the place of a wanted object becomes ours in this run
        self.declared: frozenset[tuple[str, str]] = frozenset()  # realm and alias of the catalog's identity providers
        self.found: Mapping[str, Json] = {}  # the realms that are there, as the last read saw them
        self.hidden: set[str] = set()  # realms whose user profile does not show our mark
        self.claims: dict[str, Mapping[str, frozenset[str]]] = {}
        self.directories: dict[str, Mapping[str, str]] = {}  # by realm: a directory's id and how people call it
        # by realm and identity provider: the roles and groups that logins there give and take, as the last read saw it
        self._shared: dict[tuple[str, str], list[Json]] = {}
        self._said_of_keys: dict[str, Json] = {}
        self._keys: dict[str, bytes] = {}
        self._ids: dict[tuple[str, str], dict[str, str]] = {}
        self._lock = threading.Lock()

    # ------------------------------------------------------------ reading

    def begin(self, found: Mapping[str, Json]) -> None:
        """A reading of the whole begins, with the realms that are there."""
        self.found = found
        self._shared.clear()

    def shared(self, realm: str, what: str, read: Callable[[], Iterable[Json]]) -> list[Json]:
        """A list that several kinds look at, asked for once in a reading of the whole. Who writes asks anew."""
        if (realm, what) not in self._shared:
            self._shared[realm, what] = list(read())
        return self._shared[realm, what]

    def components(self, realm: str) -> list[Json]:
        """Keys, directories and what else Keycloak calls a component, as this reading sees them."""
        return self.shared(realm, "components", lambda: self.session.list(path(realm, "components")))

    def ours(self) -> list[str]:
        """The realms whose contents are read: asked for, there, and with our mark or to get it."""
        return sorted(name for name in self.wanted if name in self.found and self.takes(self.found[name]))

    def takes(self, found: Json) -> bool:
        """Whether an object is read whole: ours, or nobody's and perhaps to be adopted."""
        return is_ours(found, self.platform) or (self.adopting and is_nobodys(found))

    def each_realm(self, read: Callable[[Keycloak, str], Iterable[T]]) -> Iterator[T]:
        """What `read` finds in each of our realms, some of them side by side."""

        def one(realm: str) -> list[T]:
            try:
                return list(read(self, realm))
            except NotAllowed as error:
                raise claims.explained(error, self.session, realm) from None

        for part in self.side_by_side(one, self.ours()):
            yield from part

    def side_by_side(self, work: Callable[[R], T], items: Iterable[R]) -> list[T]:
        """The results in the order of the items; no more requests at once than the run may have in flight."""
        todo = list(items)
        if self.parallel == 1 or len(todo) < 2:
            return [work(one) for one in todo]
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="read") as pool:
            return list(pool.map(work, todo))

    # ------------------------------------------------------------ ids

    def remember(self, kind: str, realm: str, ids: Mapping[str, str]) -> None:
        """The server's ids of all objects of a kind in a realm, by name."""
        with self._lock:
            self._ids[kind, realm] = dict(ids)

    def ids(self, kind: str, realm: str) -> dict[str, str]:
        """Every known object of a kind in a realm, name to id."""
        with self._lock:
            return dict(self._ids.get((kind, realm), {}))

    def learn(self, kind: str, realm: str, name: str, id: str) -> None:
        """The id of an object that was made just now."""
        with self._lock:
            self._ids.setdefault((kind, realm), {})[name] = id

    def id(self, kind: str, realm: str, name: str) -> str:
        """The id of an object that was read or made before. Raises ServerError for one that is not there."""
        with self._lock:
            found = self._ids.get((kind, realm), {}).get(name)
        if found is None:
            raise not_there(f"{kind} {realm} {name}")
        return found

    # ------------------------------------------------------------ for others

    def public_key(self, realm: str) -> str:
        """The public key that the realm signs with now (RS256), as PEM. Raises Missing where there is no such realm."""
        return keys.as_pem(keys.present(self._key(realm), realm))

    def expect_key(self, realm: str, der: bytes) -> None:
        """The realm signs with this key from the next write on: nobody asks again while it turns over."""
        with self._lock:
            self._keys[realm] = der

    def key_version(self, realm: str) -> str | None:
        """The SHA-256 of that key's DER form in hexadecimal; None where there is no such realm."""
        der = self._key(realm)
        return None if der is None else keys.version(der)

    def realm_keys(self, realms: Iterable[str]) -> Mapping[str, str]:
        """The public keys of those of the realms that are there, as PEM."""
        found = self.side_by_side(lambda realm: (realm, self._key(realm)), sorted(set(realms)))
        return {realm: keys.as_pem(der) for realm, der in found if der is not None}

    def said_of_keys(self, realm: str) -> Json:
        """Keycloak's account of the realm's keys. What is wanted was worked out just before the reading, and has asked
        already; a later reading asks anew."""
        with self._lock:
            said = self._said_of_keys.pop(realm, None)
        return self.session.get(path(realm, "keys")) if said is None else said

    def _key(self, realm: str) -> bytes | None:
        """Asked for once in a run: many services have tokens of one realm. A realm may appear during the run."""
        with self._lock:
            known = self._keys.get(realm)
        if known:
            return known
        try:
            said = self.session.get(path(realm, "keys"))
        except Missing:
            return None
        found = keys.signing(said, realm)
        with self._lock:
            self._said_of_keys[realm] = said
            self._keys[realm] = found
        return found

    def user_counts(self) -> Mapping[str, int]:
        """The server's own count of users in each realm that was read; service accounts do not count."""
        return dict(self.side_by_side(lambda realm: (realm, self.user_count(realm)), self.ours()))

    def user_count(self, realm: str) -> int:
        return self.session.number(path(realm, "users", "count"))


def not_there(what: str) -> ServerError:
    """The error for an object that another one needs: an apply of a part of a platform may leave it out."""
    return ServerError(Problem(f"{what} is not there yet", help="apply it too: leave out --only, or name more with it"))
