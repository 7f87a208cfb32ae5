"""renkei.yaml, `upstreams`: servers behind the gateway of which there are several."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.words import Duration, Secret, Text, UpstreamPath, Url, wrong

Interval = Annotated[Duration, Field(le=3600)]  # Kong takes 65,535 s; who is asked once an hour is not watched
Patience = Annotated[Duration, Field(le=86400)]  # Kong counts milliseconds in 31 bits
PORTS = {"http": 80, "https": 443}


def _no_zone(url: str) -> str:
    """An address of one network interface of one node: Kong takes none, and another node has another interface."""
    if "%" in (urlsplit(url).hostname or ""):
        raise wrong("the address of a target has no zone", "name it by its host name or a global address")
    return url


class TargetEntry(Entry):
    """One of the servers."""

    url: Annotated[Url, AfterValidator(_no_zone)] = Field(description="Where it is; all have one scheme and one path.")
    weight: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="Its share of the calls, beside the others' (100 when left out)."
    )
    role: Literal["standby"] | None = Field(
        None, description="standby: it stands ready, and gets no call until this line goes."
    )

    @model_validator(mode="after")
    def _standby_has_no_share(self) -> TargetEntry:
        if self.role and self.weight is not None:
            raise wrong("a standby gets no calls, so it has no weight", "leave out 'weight' or 'role'")
        return self

    @property
    def place(self) -> str:
        """Host and port. An IPv6 address in the form in which Kong keeps it, with all of its digits."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if ":" in host:
            host = f"[{IPv6Address(host).exploded}]"
        return f"{host}:{parts.port or PORTS[parts.scheme]}"


class HealthEntry(Entry):
    """How the gateway learns that a server is ill, and that it is well again."""

    path: UpstreamPath = Field("/", description="Asked at each server; 200 or 302 is well.")
    interval: Interval = Field(10, description="The time between two questions.")
    failures: Annotated[int, Field(ge=1, le=255)] = Field(3, description="So many in a row, and it gets no more calls.")


class TimeoutsEntry(Entry):
    """How long the gateway waits for the servers."""

    connect: Patience = Field(60, description="For the connection.")
    read: Patience = Field(60, description="Between two reads of the answer.")
    write: Patience = Field(60, description="Between two writes of the request.")


class ClientCertificateEntry(Entry):
    """What the gateway shows of itself to servers that ask who calls (mutual TLS)."""

    certificate: Text = Field(description="PEM in the configuration directory, with those that lead to its authority.")
    key: Secret = Field(description="Its private key, PEM without a password: !secret path#field")


class UpstreamEntry(Entry):
    """Several servers that answer for one upstream."""

    targets: list[TargetEntry] = Field(min_length=1, description="The servers.")
    health: HealthEntry | None = Field(None, description="Leave out servers that do not answer. Left out: no checks.")
    timeouts: TimeoutsEntry = Field(default_factory=TimeoutsEntry, description="How long the gateway waits.")
    retries: Annotated[int, Field(ge=0, le=10)] | None = Field(
        None,
        description="Further tries after a failed one. Left out: 0, and 5 for APIs that only read.",
    )
    verify: bool | None = Field(None, description="Check the servers' certificates. Left out: yes, with https.")
    ca: Text | None = Field(None, description="PEM of who vouches for the servers, in the configuration directory.")
    client_certificate: ClientCertificateEntry | None = Field(None, description="Mutual TLS: what the gateway shows.")

    @model_validator(mode="after")
    def _one_upstream(self) -> UpstreamEntry:
        places = [one.place for one in self.targets]
        twice = next((place for place in places if places.count(place) > 1), None)
        if twice:
            raise wrong(f"the target {twice} stands twice in this upstream", "give it one entry, and its whole weight")
        if all(one.role for one in self.targets):
            raise wrong("every target is a standby: nobody would answer", "take 'role: standby' from one of them")
        if len({(parts.scheme, parts.path) for parts in (urlsplit(one.url) for one in self.targets)}) > 1:
            raise wrong(
                "the targets of an upstream have one scheme and one path", "name another upstream for the others"
            )
        given = [name for name in ("verify", "ca", "client_certificate") if getattr(self, name) is not None]
        if given and not self.targets[0].url.startswith("https:"):
            raise wrong("without https there is no certificate to check", f"leave out '{given[0]}'")
        if self.ca is not None and self.verify is False:
            raise wrong("with 'verify: false' nobody asks who vouches for the servers", "leave out 'verify' or 'ca'")
        return self


def _form(value: Any) -> str:
    return "mapping" if isinstance(value, dict | UpstreamEntry) else "url"


UrlOrTargets = Annotated[Annotated[Url, Tag("url")] | Annotated[UpstreamEntry, Tag("mapping")], Discriminator(_form)]
