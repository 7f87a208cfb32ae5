"""Which Java is taken, and what is said when none fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_plane.problems import RenkeiError
from control_plane.sandbox import java
from control_plane.sandbox.java import Java, ask, find_java, version_of
from control_plane.sandbox.progress import silence


@pytest.mark.parametrize(
    ("said", "version", "release", "fits"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6)', "17.0.15", 17, True),
        ('openjdk version "21.0.8" 2025-07-15 LTS', "21.0.8", 21, True),
        ('openjdk version "25" 2025-09-16', "25", 25, True),
        ('java version "1.8.0_392"\nJava(TM) SE Runtime Environment', "1.8.0", 8, False),
        ('openjdk version "11.0.22" 2024-01-16', "11.0.22", 11, False),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.8" 2025-07-15', "21.0.8", 21, True),
        ('openjdk version "26-ea" 2026-03-17', "26", 26, False),
    ],
)
def test_the_version_is_read_from_what_java_says(said: str, version: str, release: int, fits: bool) -> None:
    assert version_of(said) == version
    found = Java(Path("java"), version)
    assert (found.release, found.fits) == (release, fits)


@pytest.mark.parametrize(
    "said", ["", "command not found", "The operation couldn't be completed. Unable to locate a Java Runtime."]
)
def test_what_is_no_java_has_no_version(said: str) -> None:
    assert version_of(said) is None


def a_java(directory: Path, version: str) -> Path:
    """A program that says it is a Java."""
    program = directory / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(0o755)
    return program


def test_java_home_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, path = a_java(tmp_path / "home", "21.0.8"), a_java(tmp_path / "path", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(path.parent))
    assert find_java(tmp_path, silence) == Java(home, "21.0.8")


def test_a_java_home_that_does_not_fit_is_passed_over_for_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_java(tmp_path / "home", "11.0.22")
    path = a_java(tmp_path / "path", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(path.parent))
    assert find_java(tmp_path, silence) == Java(path, "17.0.15")


def test_a_java_that_is_too_old_is_named_when_no_other_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, cache = a_java(tmp_path / "old", "11.0.22"), tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # pip really runs, and finds nothing
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(RenkeiError, match=r"Java 11\.0\.22 at .* does not fit: Keycloak needs Java 17, 21 or 25"):
        find_java(cache, silence)
    assert not list(cache.iterdir())


def test_a_program_that_fails_is_no_java(tmp_path: Path) -> None:
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    assert ask(program) is None
    assert ask(tmp_path / "absent") is None


def test_the_runtime_is_pinned_by_the_hash_of_every_platform_and_is_the_one_that_is_looked_for() -> None:
    lock = java.LOCK.read_text("utf-8")
    assert java.RUNTIME.replace("-", "==") in lock
    assert lock.count("--hash=sha256:") == 5
