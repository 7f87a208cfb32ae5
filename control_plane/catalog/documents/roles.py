"""roles/*.yaml: roles and data scopes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.documents.grants import GrantEntry
from control_plane.catalog.words import (
    Count,
    Description,
    EachOnce,
    FiwarePath,
    FiwareService,
    Id,
    Moment,
    PathPrefix,
    QueryValue,
    Text,
)


class RoleEntry(Entry):
    """What a person may do, and whether a second factor is asked for."""

    role: Id = Field(description="The id.")
    title: Text = Field(description="What people call it.")
    description: Description = Field("", description="What it is for.")
    mfa: Literal["required", "none"] = Field(
        "none", description="required: whoever holds the role, on whatever way, shows a second factor."
    )
    includes: Annotated[list[Id], EachOnce] = Field(
        default_factory=list, description="Who has this role has these roles too."
    )
    max_holders: Count | None = Field(None, description="More people than this with the role are an error.")
    grants: list[GrantEntry] = Field(
        default_factory=list, description="What it may call through services that may call it too."
    )


class FiwareEntry(Entry):
    """Where the data stand in the broker."""

    service: FiwareService = Field(description="Fiware-Service; the gateway sets it, a caller cannot.")
    paths: Annotated[list[FiwarePath], EachOnce] = Field(
        default_factory=lambda: ["/#"],
        min_length=1,
        description="Fiware-ServicePath; /road/# takes in everything below /road.",
    )


class ScopeEntry(Entry):
    """A range of data that a grant can open."""

    scope: Id = Field(description="The id.")
    title: Text = Field(description="What people call it.")
    description: Description = Field("", description="What is in it.")
    owner: Id = Field(description="The tenant whose data these are.")
    disclosure: Literal["open", "limited", "closed"] = Field(
        description="open: any grant may name it. limited (限定公開): a grant to another tenant needs the owner's "
        "approval. closed: the owner's own services only."
    )
    consent: Literal["required", "none"] = Field(
        "none", description="required: a person who signs in is asked before the service gets this of him."
    )
    consent_text: Text | None = Field(None, description="What the person reads when he is asked; left out: the title.")
    start: Moment | None = Field(None, alias="from", description="The data may be had from here on.")
    until: Moment | None = Field(None, description="The last day, or the instant at which it ends.")
    fiware: FiwareEntry | None = Field(None, description="For APIs with `scoping: fiware-headers`.")
    paths: Annotated[list[PathPrefix], EachOnce] = Field(
        default_factory=list, description="Below the API's path, for APIs with `scoping: path`."
    )
    values: Annotated[list[QueryValue], EachOnce] = Field(
        default_factory=list, description="Of the API's `query_field`, for APIs with `scoping: query`."
    )


class RolesDocument(Entry):
    """Roles and data scopes; either list may be left out."""

    roles: list[RoleEntry] = Field(default_factory=list, description="What people may do.")
    data_scopes: list[ScopeEntry] = Field(default_factory=list, description="Ranges of data.")
