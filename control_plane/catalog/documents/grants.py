"""Grants, of services and of roles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.words import Day, EachOnce, Id, Moment, Text, VersionId


class ApprovalEntry(Entry):
    """Who allowed that limited data are read."""

    application: Text = Field(description="The application's number.")
    by: Id = Field(description="The tenant that owns the data.")
    on: Day = Field(description="The day of the decision.")


class GrantEntry(Entry):
    """What a service may call, or a person with a role through a service."""

    api: Id = Field(description="The API.")
    levels: Annotated[list[Id], EachOnce] = Field(min_length=1, description="Levels of that API.")
    scopes: Annotated[list[Id], EachOnce] = Field(
        default_factory=list, description="Which data; needed when the API has scoping."
    )
    versions: Annotated[list[VersionId], EachOnce] | None = Field(
        None, min_length=1, description="Versions of that API; left out: every version at the gateway."
    )
    start: Moment | None = Field(None, alias="from", description="The access period's beginning.")
    until: Moment | None = Field(None, description="Its last day, or the instant at which it ends.")
    approval: ApprovalEntry | None = Field(
        None,
        description="The owner's approval; needed for limited data of another tenant, and of any in a role's grant.",
    )
