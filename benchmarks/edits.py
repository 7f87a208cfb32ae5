"""The small changes that are measured, made in the files as a person makes them."""

from __future__ import annotations

from pathlib import Path

GRANT = ("levels: [read], versions: [v2]", "levels: [update], versions: [v2]")
PERIOD = ("levels: [read], until: 2030-03-31", "levels: [read], until: 2031-03-31")  # where there is one level
USER = ("family_name: 計測, given_name", "family_name: 改測, given_name")


def edit(directory: Path, old: str, new: str) -> Path:
    """Replace the first occurrence in the tenants' files, and return the file."""
    for file in sorted((directory / "tenants").glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        if old in text:
            file.write_text(text.replace(old, new, 1), encoding="utf-8")
            return file
    raise LookupError(f"no tenant's file holds {old!r}")
