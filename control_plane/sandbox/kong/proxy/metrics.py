"""Counters in Prometheus' text format. They outlive the entities that they name."""

from __future__ import annotations

from collections.abc import Mapping

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters and histograms by name and labels."""

    def __init__(self) -> None:
        self._samples: dict[str, dict[Labels, float]] = {}
        self._kinds: dict[str, tuple[str, str]] = {}

    def add(self, name: str, meaning: str, labels: Mapping[str, str], amount: float = 1) -> None:
        """Let a counter grow."""
        self._kinds.setdefault(name, ("counter", meaning))
        self._grow(name, tuple(labels.items()), amount)

    def observe(
        self, name: str, meaning: str, labels: Mapping[str, str], value: float, buckets: tuple[float, ...]
    ) -> None:
        """Put a value into a histogram."""
        self._kinds.setdefault(name, ("histogram", meaning))
        for bound in buckets:
            if value <= bound:
                self._grow(f"{name}_bucket", (*labels.items(), ("le", f"{bound:g}")), 1)
        self._grow(f"{name}_bucket", (*labels.items(), ("le", "+Inf")), 1)
        self._grow(f"{name}_count", tuple(labels.items()), 1)
        self._grow(f"{name}_sum", tuple(labels.items()), value)

    def text(self) -> str:
        """Everything, as a scrape shows it."""
        lines = []
        for name, (kind, meaning) in sorted(self._kinds.items()):
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            parts = (name,) if kind == "counter" else (f"{name}_bucket", f"{name}_count", f"{name}_sum")
            for part in parts:
                lines += [_line(part, labels, value) for labels, value in self._samples.get(part, {}).items()]
        return "".join(line + "\n" for line in lines)

    def _grow(self, name: str, labels: Labels, amount: float) -> None:
        samples = self._samples.setdefault(name, {})
        samples[labels] = samples.get(labels, 0) + amount


def _line(name: str, labels: Labels, value: float) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{shown}}} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
