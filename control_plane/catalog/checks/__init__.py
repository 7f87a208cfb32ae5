"""What holds between values and between files. Every check yields all that it finds.

    names       ids that stand twice, ids that nobody may take
    platform    environments, upstreams
    templates   what extends what
    apis        versions, paths, levels
    people      realms, groups, users, roles
    grants      services and what they may call

A reference to something that was declared wrongly is not called unknown: that problem is told where it stands.
"""

from __future__ import annotations

from control_plane.catalog.declared import Declared
from control_plane.problems import Problem


def check(declared: Declared) -> list[Problem]:
    return []
