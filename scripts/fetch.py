"""Put Keycloak, and a Java where none fits, into the user's cache. Nothing is done when they are there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console

from control_plane.problems import RenkeiError
from control_plane.sandbox.distribution import installed
from control_plane.sandbox.progress import telling

try:
    with telling(Console(stderr=True)) as tell:
        installed(tell)
except RenkeiError as error:
    for problem in error.problems:
        print(f"error: {problem}" + (f"\n  help: {problem.help}" if problem.help else ""), file=sys.stderr)
    sys.exit(1)
