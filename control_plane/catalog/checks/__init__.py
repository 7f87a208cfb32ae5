"""What holds between values and between files. Every check yields all that it finds.

    names       ids that stand twice, ids that nobody may take
    platform    environments, upstreams
    templates   what extends what
    apis        versions, paths, owners; levels: which of them a call belongs to
    scopes      where data scopes stand: which takes in which
    issuers     services whose tokens come from another platform
    consent     data for which people are asked
    people      realms, groups, users, roles
    factors     who is left out of the second factor, and where it is asked again
    delegation  who administers a tenant's people, and what that gives
    clients     how services prove to Keycloak who they are
    providers   identity providers
    guests      people of one tenant in groups of another
    accounts    how somebody gets into a new account
    directories people whom another server knows
    holders     roles that only so many may hold
    grants      services and what they may call; disclosure: whose data these are

A reference to something that was declared wrongly is not called unknown: that problem is told where it stands.
"""

from __future__ import annotations

from control_plane.catalog.checks import (
    accounts,
    apis,
    clients,
    consent,
    delegation,
    directories,
    factors,
    grants,
    guests,
    holders,
    issuers,
    names,
    people,
    platform,
    providers,
    scopes,
    templates,
)
from control_plane.catalog.declared import Declared
from control_plane.problems import Problem

CHECKS = (
    names,
    platform,
    templates,
    apis,
    scopes,
    consent,
    issuers,
    people,
    guests,
    accounts,
    factors,
    delegation,
    clients,
    providers,
    directories,
    holders,
    grants,
)


def check(declared: Declared) -> list[Problem]:
    """Every problem that is only seen across values and files."""
    return [problem for one in CHECKS for problem in one.check(declared)]
