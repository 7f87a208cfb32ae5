"""Put into the user's cache what is not there yet: Keycloak, and a Java where none fits; or a directory for tests.

python scripts/fetch.py [keycloak] [ldap]      without words: keycloak
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console

from control_plane.problems import RenkeiError
from control_plane.sandbox.distribution import installed
from control_plane.sandbox.progress import telling

wanted = sys.argv[1:] or ["keycloak"]
try:
    with telling(Console(stderr=True)) as tell:
        if "keycloak" in wanted:
            installed(tell)
        if "ldap" in wanted:
            from tests.keycloak import ldap

            ldap.fetched(tell)
except RenkeiError as error:
    for problem in error.problems:
        print(f"error: {problem}" + (f"\n  help: {problem.help}" if problem.help else ""), file=sys.stderr)
    sys.exit(1)
