"""Keycloak: realms, roles, groups, people, clients and login flows, by its Admin REST API.

    answers    errors and JSON as Keycloak gives them
    session    one token, bounded retries
    server     one Keycloak as one run sees it; whole: a collection of it, proven by the server's own count
    marks      whose an object is; builtin: what is never ours
    kinds      the list of kinds; each kind is one file
    baseline   the settings of a realm that a template asks for; loosening: which difference opens something
    realmput   how a realm is written without resetting what is not ours
    accounts   how a person's account is read and written; firsts: how somebody gets in; leaving, dormancy: how it ends;
               renames: another name, another realm; addresses: that others have; lastadmin: who stays
    handmade   what is held to of clients that people make by hand; policylists: how client policies are written
    flowtree   login flows as trees; logins: those that we want
    doorways   login flows of who comes through an identity provider; providers: these; protocols: how one is reached
               and believed; providermappers: what it gives; links: the people who are linked to one
    pairwise   ids of people that one service alone knows; proofs: how a client proves who it is; turning: how its
               secret gives way to a new one
    keys       the key that a realm signs with; rotation: one after the other; keyrings: what was made of them by hand
    claims     what our account may do, as its token says; rights: told before a write; account: how it is made
    abilities  what the server can do, and the configuration needs

Here belongs what is true for Keycloak alone. Not here: the comparison of states, YAML, Kong, printing.
"""

from __future__ import annotations

from functools import partial

from control_plane.catalog.model import Catalog
from control_plane.engine.target import Target
from control_plane.keycloak.kinds import KINDS
from control_plane.keycloak.rights import checks, preflight
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import PARALLEL

__all__ = ["KINDS", "PARALLEL", "Keycloak", "checks", "target"]


def target(client: Keycloak, parallel: int = PARALLEL, catalog: Catalog | None = None) -> Target:
    """Keycloak as the engine takes it. Its writes take effect before it answers, so there is nothing to settle.

    With the catalog it is asked beforehand whether it can do what the catalog needs.
    """
    return Target(
        "Keycloak",
        client,
        KINDS,
        preflight=partial(preflight, client, catalog),
        checks=partial(checks, client, catalog),
        parallel=parallel,
    )
