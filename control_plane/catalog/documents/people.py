"""What a realm template says of the accounts of people."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from control_plane.catalog.documents.base import Entry

Days = Annotated[int, Field(ge=1, le=3650)]


class PeopleEntry(Entry):
    """What becomes of accounts."""

    first_password: Literal["none", "store", "mail"] | None = Field(
        None,
        description="How somebody gets into a new account: a password for one login in the secret store, a link by "
        "mail, or not by renkei (none). Nobody's password is ever reset.",
    )
    keep_days: Days | None = Field(
        None, description="Who has left the YAML may be deleted after so many days; left out: never."
    )
    dormant_days: Days | None = Field(None, description="So many days without a login; left out: nobody asks.")
    dormant: Literal["report", "disable"] | None = Field(
        None, description="Who has not signed in for so long is told (report), or disabled by apply too."
    )
