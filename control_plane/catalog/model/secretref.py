"""Where a secret stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SecretRef:
    """A secret by where it stands in the store: `!secret keycloak/admin#client_secret` is a path and a field."""

    path: str
    field: str

    def __str__(self) -> str:
        return f"{self.path}#{self.field}"
