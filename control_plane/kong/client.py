"""Kong's Admin API for one run: every list read once, names outside and ids inside, no secret past the boundary.

rows(collection)   everything in a flat collection, read once, in pages of 1000
put, patch, delete the writes; what this run has put under a name, it does not delete there any more
name_of(…)         the name behind a foreign key
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import quote

from control_plane.catalog.model import KongSettings
from control_plane.engine.publickey import key_digest
from control_plane.engine.values import RealmKey, Secret
from control_plane.kong import errors
from control_plane.kong.http import Http
from control_plane.kong.naming import PROBE, mark

Row: TypeAlias = Mapping[str, Any]  # an entity as Kong shows it, its tags a set, without cleartext secrets

COLLECTIONS = ("services", "routes", "plugins", "consumers", "key-auths", "acls", "jwts", "upstreams", "certificates",
               "ca_certificates")  # fmt: skip
REBUILT = ("/services/", "/routes/", "/plugins/")  # nodes load these whole, and all else row by row
ENDS = "renkei ends"  # what a credential's `ttl` comes to, in seconds since 1970; no field of Kong's has a blank
PARALLEL = 16  # requests in flight; a Kong node takes nine times as many writes on 16 connections as on one


class Kong:
    """A client made for one run. Any number of threads may use it."""

    def __init__(
        self,
        settings: KongSettings,
        admin_token: str | None,
        platform: str,
        seal: Callable[[str], Secret],
        reveal: Callable[[Secret | RealmKey], str],
        parallel: int = PARALLEL,
        peek: Callable[[Secret], str | None] | None = None,
    ) -> None:
        self.platform = platform
        self._mark = mark(platform)
        self.proxy_url = settings.proxy_url
        self.verify = settings.verify
        self.reveal = reveal
        self.peek = peek or reveal  # the secret without a trace of it in the index; None when it is not there
        self.http = Http(settings, admin_token, parallel)
        self._seal = seal
        self.parallel = parallel
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[Row, ...]] = {}
        self._by_id: dict[str, dict[str, Row]] = {}
        self._written: set[str] = set()
        self.adopting = False  # whether a stranger in the place of a wanted object becomes ours in this run
        self.unsettled = True  # whether something was written that the proxy may not have taken up yet
        # The last write of what nodes cache row by row; that of a killed run is earlier than our start.
        self.cached_since = time.monotonic()

    def __repr__(self) -> str:
        return f"Kong({self.http!r}, platform={self.platform!r})"

    # ------------------------------------------------------------ reading

    def rows(self, collection: str) -> tuple[Row, ...]:
        """Every entity of the collection, those of others too. The first call reads all collections, side by side."""
        with self._lock:
            if not self._rows:
                self._rows = self._read_all()
        return self._rows[collection]

    def name_of(self, collection: str, reference: object) -> str | None:
        """The name that a foreign key `{"id": …}` points to; the id in brackets when the entity has no name."""
        if not isinstance(reference, Mapping):
            return None
        row = self.by_id(collection).get(reference["id"])
        return named(row) if row else f"({reference['id']})"

    def by_id(self, collection: str) -> Mapping[str, Row]:
        found = self._by_id.get(collection)
        if found is None:
            found = self._by_id[collection] = {row["id"]: row for row in self.rows(collection)}
        return found

    def targets(self, upstream: Row) -> tuple[Row, ...]:
        """The targets of an upstream, read once; Kong has no list of all."""
        path = f"upstreams/{upstream['id']}/targets"
        if path not in self._rows:
            found = tuple(self.pages(path))
            with self._lock:
                self._rows[path] = found
        return self._rows[path]

    def is_ours(self, row: Row) -> bool:
        return self._mark in row["tags"]

    def node(self) -> Mapping[str, Any]:
        """What the node says about itself: version, plugins, configuration."""
        found = self.http.get("/")
        if not isinstance(found, dict) or not isinstance(found.get("version"), str):
            raise errors.strange("/", "no version: this is not Kong's Admin API")
        return found

    def pages(self, collection: str, query: Mapping[str, str] | None = None) -> Iterator[Row]:
        """The collection page by page, to its end. Raises ServerError rather than leave one out."""
        for row, at in self.http.rows(f"/{collection}", query):
            yield self._checked(collection, row, at)

    def _read_all(self) -> dict[str, tuple[Row, ...]]:
        def whole(collection: str) -> tuple[Row, ...]:
            return tuple(row for row in self.pages(collection) if PROBE not in row["tags"])

        if self.parallel == 1:
            return {collection: whole(collection) for collection in COLLECTIONS}
        with ThreadPoolExecutor(min(self.parallel, len(COLLECTIONS)), thread_name_prefix="kong") as pool:
            return dict(zip(COLLECTIONS, pool.map(whole, COLLECTIONS), strict=True))

    def _checked(self, collection: str, row: object, at: float) -> Row:
        """The entity with what identifies it, its secrets replaced by digests, seconds that are left by an instant."""
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise errors.strange(f"/{collection}", "an entity without an id")
        tags = row.get("tags") or ()
        if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
            raise errors.strange(f"/{collection}", f"the tags of {row['id']} are no list of texts")
        row["tags"] = shared(tuple(tags))
        for foreign in ("service", "route", "consumer"):
            reference = row.get(foreign)
            if reference is not None and not (isinstance(reference, dict) and isinstance(reference.get("id"), str)):
                raise errors.strange(f"/{collection}", f"'{foreign}' of {row['id']} is no reference")
        if collection == "key-auths":
            row["key"] = self._seal(str(row.get("key")))
            left = row.pop("ttl", None)
            row[ENDS] = at + left if isinstance(left, int | float) else None
        if collection == "certificates":
            row["key"] = self._seal(str(row.get("key")))
            row.pop("key_alt", None)
        if collection == "jwts":
            row.pop("secret", None)
            pem = row.get("rsa_public_key")
            row["rsa_public_key"] = RealmKey("", key_digest(pem)) if isinstance(pem, str) else None
        return row

    # ------------------------------------------------------------ writing

    def put(self, path: str, body: Mapping[str, object], hide: Iterable[str] = ()) -> None:
        """Create, or replace whole: fields that the body lacks go back to Kong's defaults."""
        self.http.write("PUT", path, body, hide)
        with self._lock:
            self._written.add(path)
        self._wrote(path)

    def post(self, path: str, body: Mapping[str, object]) -> None:
        """Create what a PUT does not. Never repeated by itself, for the first one may have arrived."""
        self.http.write("POST", path, body)
        self._wrote(path)

    def patch(self, path: str, body: Mapping[str, object], hide: Iterable[str] = ()) -> None:
        """Change the fields of the body and leave all others."""
        self.http.write("PATCH", path, body, hide)
        self._wrote(path)

    def delete(self, path: str) -> None:
        """Delete, unless this run has put something there.

        An object of ours that was moved by hand (a plugin onto another service) is found in the wrong place and
        wanted in the right one: the PUT under its name has moved it back, and nothing is left to delete.
        """
        with self._lock:
            if path in self._written:
                return
        self.http.delete(path)
        self._wrote(path)

    def _wrote(self, path: str) -> None:
        self.unsettled = True
        if not path.startswith(REBUILT):
            self.cached_since = time.monotonic()


@lru_cache(maxsize=100_000)
def shared(tags: tuple[str, ...]) -> frozenset[str]:
    """The tags as a set, the same one for every entity that has them."""
    return frozenset(tags)


def named(row: Row) -> str:
    """The entity's own name, or its id in brackets when it has none."""
    name = row.get("name") or row.get("username")
    return name if isinstance(name, str) else f"({row['id']})"


def at(*parts: str) -> str:
    """A path of the Admin API; each part is one segment whatever it holds."""
    return "".join("/" + quote(part, safe="") for part in parts)
