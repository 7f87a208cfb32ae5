"""What a field of a resource may hold.

A list whose order means nothing is a frozenset, a list whose order matters a tuple: so the comparison has no special
cases. A value that stands elsewhere (a secret in the store, a realm's public key) is a Reference: it is compared by a
digest and resolved only inside the write that needs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Shape:
    """What a secret is made of that a person types: at least so many characters, and of each sort at least so many."""

    length: int
    upper: int = 1
    lower: int = 1
    digits: int = 1
    special: int = 1


@dataclass(frozen=True)
class Secret:
    """A secret by where it stands and by the digest of its value; equal when the digests are.

    `version` is None while the secret does not exist yet, and then it equals nothing that a server holds.
    """

    ref: str = field(compare=False)  # path#field in the store; empty for one that was found on a server
    version: str | None = None
    previously: str | None = field(default=None, compare=False)  # path#field under the name before a renaming
    shape: Shape | None = field(default=None, compare=False)  # how it is made when a person is to type it

    @classmethod
    def of(cls, service: str, name: str, previously: str | None = None) -> Secret:
        """A secret of a connected service, `tenant.service`; under its former name it may have been made already."""
        return cls(f"services/{service}#{name}", previously=f"services/{previously}#{name}" if previously else None)

    def __str__(self) -> str:
        return f"(secret {self.ref})" if self.ref else "(secret)"


@dataclass(frozen=True)
class Unseen:
    """A secret that a server holds and never shows: nobody can say whether it is the wanted one.

    `version` is the digest of the one that was written last; None where we have never written it.
    """

    version: str | None = None

    def __str__(self) -> str:
        return "(a secret that cannot be compared)"


@dataclass(frozen=True)
class RealmKey:
    """The public key that a realm signs with now, by the realm and by the digest of the key; equal by the digest.

    The key of another platform's issuer stands in Git: then `pem` holds it, and nobody is asked for it.
    """

    realm: str = field(compare=False)  # of ours; or the other platform's issuer
    version: str | None = None
    pem: str | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"(key of realm {self.realm}{'' if self.version is None else ' ' + self.version[:8]})"


Reference: TypeAlias = Secret | RealmKey
Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Scalar | Reference | Unseen | tuple[Value, ...] | frozenset[Value] | Mapping[str, Value]"
Fields: TypeAlias = Mapping[str, "Value"]


def texts(fields: Fields, name: str) -> frozenset[str]:
    """A field that is a set of texts: names, addresses, lines."""
    values = fields[name]
    assert isinstance(values, frozenset)
    return frozenset(map(str, values))


def plain(value: Value) -> object:
    """The value as JSON takes it: sets sorted, references as what may be shown of them. Never a secret's value."""
    match value:
        case Secret():
            return {"secret": value.ref, "version": value.version}
        case Unseen():
            return {"cannot_be_compared": True, "written_last": value.version}
        case RealmKey():
            return {"realm_key": value.realm, "version": value.version}
        case Mapping():
            return {name: plain(value[name]) for name in sorted(value)}
        case frozenset():
            return sorted((plain(one) for one in value), key=canonical)
        case tuple():
            return [plain(one) for one in value]
        case _:
            return value


def canonical(data: object) -> str:
    """JSON with sorted keys and no spaces: the same text for the same data."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
