"""Commands are imported when they are called; nothing is lost by it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import control_plane.cli
from control_plane.cli.main import COMMANDS


def test_every_command_of_every_module_is_in_the_list():
    modules = [one.name for one in iter_modules(control_plane.cli.__path__)]
    defined = {
        command.name: module
        for module in modules
        for command in getattr(import_module(f"control_plane.cli.{module}"), "COMMANDS", ())
        if module != "main"
    }
    assert defined == COMMANDS


def test_a_plan_imports_nothing_of_reports_of_other_systems_configurations_or_of_servers_to_start():
    script = (
        "import sys; from control_plane.cli.main import run; run(['plan', '--help'])\n"
        "print(*(name for name in sys.modules if name.startswith('control_plane.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "control_plane.cli.reconcile" in loaded
    unwanted = ("control_plane.reports", "control_plane.adopt", "control_plane.sandbox.run", "openpyxl", "jinja2")
    assert not {name for name in loaded if name.startswith(unwanted)}
