"""scripts/setup on machines that are not as they should be: one sentence, exit code 1, nothing half-made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and b"bash" in path.read_bytes()[:40])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What setup needs of a checkout, and a PATH with nothing but what it calls."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts" / "setup")
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for tool in ("bash", "dirname", "env", "grep", "awk", "mktemp", "tail", "cut", "rm"):
        (tmp_path / "tools" / tool).symlink_to(shutil.which(tool) or "/")
    return tmp_path


def setup(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": str(checkout / "tools"), "HOME": str(checkout), "TMPDIR": str(checkout)}
    command = [str(checkout / "tools" / "bash"), str(checkout / "scripts" / "setup")]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=False)


def a_python(checkout: Path, version: str) -> Path:
    program = checkout / "tools" / "python3"
    program.write_text(f'#!/usr/bin/env bash\n[ "$1" = --version ] && echo "Python {version}"\nexit 1\n')
    program.chmod(0o755)
    return program


def test_a_python_that_is_too_old_is_named(checkout: Path) -> None:
    a_python(checkout, "3.9.2")
    done = setup(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("error: renkei needs Python 3.11 or newer: Python 3.9.2 is too old\n")
    assert not (checkout / ".venv").exists()


def test_no_python_at_all_is_said(checkout: Path) -> None:
    done = setup(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("error: renkei needs Python 3.11 or newer: no Python was found\n")


def test_a_refused_download_of_packages_is_one_sentence_and_leaves_no_environment(checkout: Path) -> None:
    refused = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "RENKEI_PYTHON": sys.executable}
    done = setup(checkout, **refused)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert errors[0].startswith("error: the Python packages of requirements.lock could not be installed: No matching")
    assert not (checkout / ".venv").exists()


def test_the_lock_holds_everything_that_its_packages_need() -> None:
    """The set-up asks nobody what else is needed, so nothing may be missing."""
    subprocess.run([sys.executable, "-m", "pip", "check", "--disable-pip-version-check"], check=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_is_well_formed_and_may_be_run(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)
