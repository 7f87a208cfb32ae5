"""What our account may do, as its token says, and what it lacks: told before the first write.

A read that is refused is an error by itself, and named by the right that is missing (`claims.explained`). A write that
is refused half-way would leave a realm half done, so the rights for writing are looked at beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from control_plane.catalog.model import Catalog
from control_plane.engine.target import Check
from control_plane.keycloak import abilities, claims
from control_plane.keycloak.answers import Missing
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import Problem, RenkeiError

MAJOR = "26"  # the version of Keycloak whose Admin API this was measured on


def preflight(server: Keycloak, catalog: Catalog | None = None) -> Sequence[Problem]:
    """What this Keycloak or our account lacks for a write."""
    return [Problem(f"Keycloak: {one.detail}", help=one.help) for one in checks(server, catalog) if not one.ok]


def checks(server: Keycloak, catalog: Catalog | None = None) -> Sequence[Check]:
    """Reachable, a version that we know, and the rights to write in every realm that is asked for."""
    try:
        return [_version(server), *_realms(server), *(abilities.missing(server, catalog) if catalog else ())]
    except RenkeiError as error:
        problem = error.problems[0]
        return [Check("Keycloak", False, problem.message, problem.help)]


def _version(server: Keycloak) -> Check:
    system = server.session.get("admin/serverinfo").get("systemInfo")
    version = str(system.get("version") or "") if isinstance(system, dict) else ""
    if not version:  # shown only to those who may manage the realm `master`, which we should not
        return Check("Keycloak version", True, "not shown to our account")
    help = f"renkei is made for Keycloak {MAJOR}: use the renkei that fits, or upgrade Keycloak"
    return Check("Keycloak version", version.partition(".")[0] == MAJOR, f"version {version}", help)


def _realms(server: Keycloak) -> Iterator[Check]:
    session, needed = server.session, frozenset(claims.WRITING)
    for realm in sorted(server.wanted):
        name = f"Keycloak realm {realm}"
        try:
            there = "id" in session.get(path(realm))
        except Missing:
            may = bool(claims.of_server(session) & {claims.CREATE, *claims.EVERYTHING})
            yield Check(name, may, "not there yet" if may else f"our account may not create realm '{realm}'", _CREATE)
            continue
        held = claims.held(session, realm) if there else frozenset[str]()
        if missing := sorted(needed - held):
            detail = f"our account lacks {', '.join(missing)} in realm '{realm}'"
            yield Check(name, False, detail, claims.give(server.settings, realm))
        else:
            yield Check(name, True, f"our account may write{_more(held)}")


def _more(held: frozenset[str]) -> str:
    """What the account could do without: whoever creates a realm has all rights in it."""
    more = sorted(right for right in held - claims.WRITING.keys() if right.startswith(_POWER))
    return f", and more than it needs: {', '.join(more)}" if more else ""


_POWER = ("manage-", "create-", "impersonation", "realm-admin")
_CREATE = (
    "`renkei bootstrap keycloak` makes it; or give the service account of our client the realm role `create-realm` of "
    "realm master"
)
