"""What all documents have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from control_plane.catalog.words import Count


class Entry(BaseModel):
    """A mapping in a file: strict types, no unknown key, never changed after it was read.

    Built when it is first needed: a document builds what stands in it once more, and most commands need no more.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False, defer_build=True)


def one_of(*keys: str) -> JsonDict:
    """For the JSON Schema: exactly one of these keys."""
    return {"oneOf": [{"required": [key]} for key in keys]}


class CallLimit(Entry):
    """Calls that one service may make in a span of time; several spans hold together."""

    second: Count | None = Field(None, description="Calls in a second.")
    minute: Count | None = Field(None, description="Calls in a minute.")
    hour: Count | None = Field(None, description="Calls in an hour.")
    day: Count | None = Field(None, description="Calls in a day.")
    month: Count | None = Field(None, description="Calls in a month.")
    year: Count | None = Field(None, description="Calls in a year.")

    def spans(self) -> dict[str, int]:
        """The spans that are given, the shortest first."""
        return self.model_dump(exclude_none=True)
