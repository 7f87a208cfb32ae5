"""The undoing of a wrong link: an account that the login of a city opens, and that is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.app.run import Ask, catalog_of
from control_plane.app.systems import connect
from control_plane.catalog.words import nearest
from control_plane.keycloak import Keycloak, links
from control_plane.problems import Problem, Refused


@dataclass(frozen=True)
class Link:
    """What is to be undone."""

    server: Keycloak
    environment: str
    realm: str
    account: str
    id: str  # of the account, by Keycloak
    provider: str
    there: str  # what the provider calls the person


def look(ask: Ask, realm: str, account: str, provider: str) -> Link:
    """Raises Refused where there is no such realm, account or link. Writes nothing."""
    catalog = catalog_of(ask)
    if realm not in catalog.realms:
        raise Refused(Problem(f"there is no realm '{realm}'", help=nearest(realm, catalog.realms)))
    server = connect(catalog, ask.directory, ask.parallel).keycloak
    id = links.account(server, realm, account)
    if id is None:
        raise Refused(Problem(f"realm {realm} has no account '{account}'", help="`renkei report users` lists them"))
    there = links.of_account(server, realm, id)
    if provider not in there:
        linked = f"It is linked to {', '.join(sorted(there))}." if there else "It is linked to nobody."
        raise Refused(Problem(f"account '{account}' of realm {realm} has no link to '{provider}'", note=linked))
    return Link(server, catalog.environment.name, realm, account, id, provider, there[provider])


def undo(link: Link) -> None:
    """The account is signed out too: whoever came in by the link is out. May be repeated."""
    links.undo(link.server, link.realm, link.id, link.provider)
