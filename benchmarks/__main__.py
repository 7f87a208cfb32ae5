"""The command: build a platform, bring servers up, measure each stage, print, stop the servers."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from rich.console import Console

from benchmarks import table
from benchmarks.machine import this_machine
from benchmarks.servers import clear, point, servers
from benchmarks.stages import STRANGERS, Figure
from benchmarks.synthetic import PLATFORM, SIZES, Size, write
from control_plane.problems import RenkeiError

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ("start", "load")  # no server is needed
SERVED = ("compile", "apply", "plan", "command", "bare", "grant", "user", "posts")  # one stage prepares the next
LISTED = ("apply", "fill", "report")  # where people come whom nobody declares
REPEATED = frozenset({"start", "load", "compile", "plan", "command", "bare", "report"})  # they leave all as it was
STAND_IN = "the stand-in Kong, whose times are not Kong's"
NAMED = "the Kong that RENKEI_TEST_KONG_ADMIN names"

Runs = dict[str, list[Figure]]


class Broken(Exception):
    """A stage did not come to its end."""


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    given = {field.name: value for field in fields(Size) if (value := getattr(asked, field.name, None))}
    size = replace(SIZES[asked.size], **given)
    machine = this_machine()
    runs: Runs = {}
    code = 0
    with tempfile.TemporaryDirectory(prefix="renkei-benchmark-") as temporary:
        try:
            benchmark(size, Path(temporary), runs, repeat=asked.repeat, offline=asked.offline, real=asked.real)
        except (Broken, LookupError, RenkeiError) as why:
            _tell(f"error: {why}")  # and what was measured before it is shown all the same
            code = 1
    kong = NAMED if asked.real and os.environ.get("RENKEI_TEST_KONG_ADMIN") else STAND_IN
    kong = "no server" if asked.offline else kong
    if asked.json:
        print(json.dumps(table.document(size, machine, runs, kong=kong), indent=2))
    elif runs:
        table.show(Console(width=None if sys.stdout.isatty() else 140), size, machine, runs, kong)
    return code


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def benchmark(size: Size, directory: Path, runs: Runs, *, repeat: int, offline: bool, real: bool) -> None:
    """Every stage's figures into `runs`. `directory` is empty, and removed by whoever made it."""
    platform = directory / "platform"
    write(platform, size)
    (directory / STRANGERS).write_text(str(size.strangers), encoding="utf-8")
    for stage in LOCAL:
        _stage(stage, platform, {}, repeat, runs, size.only)
    if offline:
        return
    _tell("servers start")
    with servers(directory / "servers", real=real, kong_alone=size.keys) as found:
        point(platform, found, size.apis)
        try:
            for stage in _served(size):
                _stage(stage, platform, found.systems, repeat, runs, size.only)
        finally:
            if found.named:
                clear(found, PLATFORM)


def _served(size: Size) -> list[str]:
    """A platform without services has no grant to change, one without people no person."""
    left_out = {"grant": size.services == 0, "user": size.users == 0, "posts": size.keys}
    return [stage for stage in (LISTED if size.strangers else SERVED) if not left_out.get(stage)]


def _stage(
    stage: str, platform: Path, systems: Mapping[str, str], repeat: int, runs: Runs, only: tuple[str, ...]
) -> None:
    measure = _command if stage == "command" else _apart
    for _ in range(repeat if stage in REPEATED else 1):
        figure = measure(stage, platform, systems, only)
        runs.setdefault(stage, []).append(figure)
        _tell(f"{table.TITLES[stage]}: {figure.seconds:.2f} s")


def _command(stage: str, platform: Path, systems: Mapping[str, str], only: tuple[str, ...]) -> Figure:
    """`renkei plan` as an operator starts it, by the system's own account of the finished process.

    From the start of Python to its end. What it asks of the servers is what the stage `plan` has counted. Python may
    keep what it has compiled, as it does for everybody who does not forbid it.
    """
    words = [word for one in only for word in ("--only", one)]
    command = [sys.executable, str(ROOT / "cli.py"), "-C", str(platform), "plan", "--exit-code", *words]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=env)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        _must_have_worked(stage, process.returncode, said.read().decode("utf-8", "replace"))
    most = used.ru_maxrss if sys.platform == "darwin" else used.ru_maxrss * 1024
    return Figure(stage, seconds, used.ru_utime + used.ru_stime, most, {})


def _must_have_worked(stage: str, code: int, said: str) -> None:
    if code:
        raise Broken(f"{table.TITLES[stage]} ended with {code}:\n{said.strip()[-3000:]}")


def _apart(stage: str, platform: Path, systems: Mapping[str, str], only: tuple[str, ...]) -> Figure:
    """One stage in a new process."""
    command = [sys.executable, "-m", "benchmarks.stages", stage, str(platform), json.dumps(dict(systems)), *only]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    _must_have_worked(stage, done.returncode, done.stderr)
    return Figure(**json.loads(done.stdout.splitlines()[-1]))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    listed = "; ".join(f"{name}: {size.users} users, {size.services} services" for name, size in SIZES.items())
    parser.add_argument("--size", choices=SIZES, default="small", help=f"{listed} (default: small)")
    for name, usual in asdict(SIZES["small"]).items():
        if isinstance(usual, bool):
            continue  # what sort of APIs these are is the size's own
        parser.add_argument(f"--{name}", type=_number, metavar="N", help=f"instead of the size's (small has {usual})")
    parser.add_argument(
        "--repeat", type=_number, default=3, metavar="N", help="runs of what can be repeated; the median is shown (3)"
    )
    parser.add_argument("--offline", action="store_true", help="no servers: load and validate only")
    parser.add_argument(
        "--real", action="store_true", help="the servers that RENKEI_TEST_KEYCLOAK and RENKEI_TEST_KONG_ADMIN name"
    )
    parser.add_argument("--json", action="store_true", help="every run as JSON, instead of tables")
    return parser.parse_args(words)


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
