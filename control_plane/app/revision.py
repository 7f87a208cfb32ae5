"""Which Git commit a configuration is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def commit_of(directory: Path) -> str | None:
    """The commit that the directory stands at, with `+changes` when files in it differ; None outside Git."""
    git = shutil.which("git")
    commit = git and _git(git, directory, "rev-parse", "--short=12", "HEAD")
    if not git or not commit:
        return None
    return commit + ("+changes" if _git(git, directory, "status", "--porcelain", "--", ".") else "")


def _git(git: str, directory: Path, *words: str) -> str:
    try:
        command = [git, "-C", str(directory), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603  no shell, fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
