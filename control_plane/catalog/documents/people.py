"""What a realm template says of the accounts of people."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from control_plane.catalog.documents.base import Entry

Days = Annotated[int, Field(ge=1, le=3650)]


class PeopleEntry(Entry):
    """What becomes of accounts."""

    keep_days: Days | None = Field(
        None, description="Who has left the YAML may be deleted after so many days; left out: never."
    )
