"""apis/*.yaml: one API each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from control_plane.catalog.documents.base import CallLimit, Entry
from control_plane.catalog.words import (
    Address,
    AuthOrNone,
    Day,
    Description,
    EachOnce,
    Id,
    LevelPath,
    Link,
    Moment,
    PathPrefix,
    QueryField,
    Text,
    UpstreamPath,
    VersionId,
)

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

CallerWord = Literal["service", "user"]


class VersionEntry(Entry):
    """One version of an API: a public path, and where it is in its life."""

    version: VersionId = Field(description="v2, v2.1")
    path: PathPrefix = Field(description="The public prefix. No two versions of any API may share it.")
    state: Literal["draft", "published", "deprecated", "retired"] = Field(
        description="draft: not at the gateway. deprecated: answers, with Deprecation, Sunset and Link. retired: 410."
    )
    upstream_path: UpstreamPath = Field("/", description="What replaces `path` on the way to the upstream.")
    deprecated: Day | None = Field(None, description="Since when it is deprecated (RFC 9745).")
    sunset: Day | None = Field(None, description="Its last day (RFC 8594). A deprecated version needs one.")
    successor: VersionId | None = Field(None, description="The published version to move to.")
    guide: Link | None = Field(None, description="A page that says how to move.")
    start: Moment | None = Field(None, alias="from", description="From when on it answers; before it 404.")


class LevelEntry(Entry):
    """A level of access: a few HTTP methods, on which paths, and how often they may be called."""

    methods: Annotated[list[Method], EachOnce] = Field(
        min_length=1, description="HTTP methods; a method belongs to one level, but where levels have paths."
    )
    paths: Annotated[list[LevelPath], EachOnce] = Field(
        default_factory=list,
        description="Below the version's path, each with all below it; `*` is one segment. Empty: every path.",
    )
    limit: CallLimit = Field(default_factory=CallLimit, description="Goes before the plan's.")


class DefaultEntry(Entry):
    """Where callers come who name no version, and which one they get."""

    version: VersionId = Field(description="A published or deprecated version of this API.")
    path: PathPrefix = Field(description="The public prefix. The API's own versions may lie below it, nothing else.")


class ApiDocument(Entry):
    """An API behind the gateway."""

    api: Id = Field(description="The id.")
    title: Text = Field(description="What people call it.")
    description: Description = Field("", description="What it is for.")
    owner: Id = Field(description="The tenant that answers for it.")
    upstream: Id = Field(description="A name in the environment's `upstreams`.")
    auth: AuthOrNone = Field(
        description="How a caller proves who it is; with both, either will do. none: open to all, for open data."
    )
    callers: Annotated[list[CallerWord], EachOnce] = Field(
        default_factory=lambda: list[CallerWord](("service",)),
        min_length=1,
        description="Who may call: a connected service for itself, a user through one (with a token).",
    )
    scoping: Literal["none", "fiware-headers", "path", "query"] = Field(
        "none",
        description="How a call says which data it wants: not at all, by the FIWARE headers, by its path, by a field.",
    )
    query_field: QueryField | None = Field(
        None, description="For `scoping: query`: the field of the query that says which data."
    )
    plan: Id | None = Field(None, description="An API plan of templates/: limits per level.")
    allowed_ips: Annotated[list[Address], EachOnce] = Field(
        default_factory=list, description="Only from here; empty: from everywhere."
    )
    max_body_mb: Annotated[int, Field(ge=1, le=2048)] = Field(8, description="Larger requests are refused (413).")
    versions: list[VersionEntry] = Field(min_length=1, description="Versions side by side.")
    default: DefaultEntry | None = Field(None, description="For callers who name no version.")
    levels: dict[Id, LevelEntry] = Field(min_length=1, description="Levels of access: name and methods.")
