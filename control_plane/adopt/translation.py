"""What comes out of an import: parts of documents, the keys of callers, and what could not be said."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Note:
    """Something on the server that the YAML does not say, or says in another way."""

    what: str
    why: str
    todo: str


@dataclass
class Translation:
    apis: dict[str, dict[str, Any]] = field(default_factory=dict)
    tenants: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # tenant -> service -> entry
    shared: dict[str, str] = field(default_factory=dict)  # tenant -> the tenant in whose realm it is
    scopes: dict[str, dict[str, Any]] = field(default_factory=dict)
    upstreams: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # tenant.service -> the key
    notes: list[Note] = field(default_factory=list)


def slug(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words if re.match(r"[a-z]", words) else f"x-{words}".rstrip("-")
