"""One plugin in one place, and what happens when two policies want the same one there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from control_plane.kong.policies import headers
from control_plane.problems import ConfigurationError, Origin, Problem

# Plugins whose lists may be joined without giving anybody more: headers to set, functions to run one after the other.
JOINABLE = frozenset({"response-transformer", "request-transformer", "post-function", "pre-function"})


@dataclass(frozen=True)
class Plugin:
    """A plugin with every field of its configuration that changes what it does, defaults too: so drift is seen."""

    name: str  # Kong's name of it
    config: Mapping[str, object]
    origin: Origin | None
    belongs: tuple[str, ...]  # api:…, tenant:…
    within: str  # the API version's service or the consumer; of one that stands everywhere, the platform
    service: str | None = None
    route: str | None = None
    consumer: str | None = None

    @property
    def place(self) -> tuple[str | None, str | None, str | None]:
        return self.service, self.route, self.consumer

    @property
    def instance(self) -> str:
        """Its name in Kong, from its place and its plugin."""
        where = self.route or self.service or (None if self.consumer else self.within)
        parts = (f"{self.consumer}~" if self.consumer else "", f"{where}." if where else "", self.name)
        return "".join(parts)


def placed(wanted: Iterable[Plugin]) -> list[Plugin]:
    """Each plugin once per place, in the order of their names; joined where that can be.

    Raises ConfigurationError naming both lines of every two that cannot, and when two places give one name.
    """
    found: dict[str, Plugin] = {}
    problems = []
    for plugin in wanted:
        other = found.get(plugin.instance)
        if other is None:
            found[plugin.instance] = plugin
            continue
        joined = _joined(other, plugin) if other.place == plugin.place else None
        if joined is None:
            problems.append(_clash(other, plugin))
        else:
            found[plugin.instance] = joined
    if problems:
        raise ConfigurationError(*problems)
    return [found[name] for name in sorted(found)]


def _clash(first: Plugin, second: Plugin) -> Problem:
    where = "place" if first.place == second.place else "name"
    return Problem(
        f"two policies want the plugin {second.name} in one {where}: {second.instance}",
        second.origin,
        note=f"the other one is asked for at {first.origin}" if first.origin else None,
        help="Kong runs one instance of a plugin in a place and never merges two: say it in one of the two lines",
    )


def _joined(first: Plugin, second: Plugin) -> Plugin | None:
    if first.name not in JOINABLE:
        return None
    if first.name == headers.NAME and headers.contradict(first.config, second.config):
        return None
    config = join(first.config, second.config)
    return None if config is None else replace(first, config=config)


def join(first: Mapping[str, object], second: Mapping[str, object]) -> Mapping[str, object] | None:
    """Both configurations in one: lists one after the other, equal values once; None when they contradict."""
    joined = dict(first)
    for name, value in second.items():
        have = joined.get(name)
        if have is None or have == value:
            joined[name] = value if have is None else have
        elif isinstance(have, list) and isinstance(value, list):
            joined[name] = have + [one for one in value if one not in have]
        elif isinstance(have, Mapping) and isinstance(value, Mapping):
            inner = join(have, value)
            if inner is None:
                return None
            joined[name] = inner
        elif value is not None:
            return None
    return joined
