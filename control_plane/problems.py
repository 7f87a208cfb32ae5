"""What went wrong, said to the person who can mend it.

    RenkeiError                 every failure that we expect; carries one or more Problems
     ├─ ConfigurationError      the YAML is wrong: mend the file
     ├─ ServerError             Keycloak, Kong or the secret store refused, or answered what it should not
     │   ├─ Unreachable         no answer at all, also after retries
     │   └─ NotAllowed          our rights are too few: 401, 403, or a stub instead of the object
     └─ Refused                 renkei itself declines to do what was asked, and says how to ask for it

A Problem is a value: it is collected, sorted and rendered; only the command line prints it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Origin:
    """Where a value was written: file relative to the configuration directory, line and column counted from 1."""

    file: str
    line: int
    column: int = 1
    width: int = 1  # characters to underline

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """One mistake: what it is in few words, where it stands, why it is one, and what to do."""

    message: str
    origin: Origin | None = None
    note: str | None = None  # why: the rule, and where the rule comes from
    help: str | None = None  # what to do; may be pasted
    source: str | None = None  # the user's own line, read when the problem was found

    def __str__(self) -> str:
        place = f"{self.origin.file}:{self.origin.line}:{self.origin.column}: " if self.origin else ""
        return f"{place}{self.message}"


def in_reading_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by file, line and column, each once; those without a place come first."""
    return tuple(sorted(dict.fromkeys(problems), key=_place))


def _place(problem: Problem) -> tuple[str, int, int, str]:
    where = problem.origin
    return (where.file, where.line, where.column, problem.message) if where else ("", 0, 0, problem.message)


class RenkeiError(Exception):
    """A failure that we expect. Its text is made for people; a traceback would add nothing."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = in_reading_order(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class ConfigurationError(RenkeiError):
    """The configuration cannot be used as it is written."""


class ServerError(RenkeiError):
    """A server refused or answered what it should not."""


class Unreachable(ServerError):
    """No answer, also after retries."""


class NotAllowed(ServerError):
    """Our rights are too few."""


class Refused(RenkeiError):
    """We decline, and say how to ask for it."""


def bug(what: str) -> RenkeiError:
    """A case that cannot happen, happened."""
    return RenkeiError(Problem(what, help="This is a bug in renkei; please report it."))
