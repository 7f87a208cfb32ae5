"""The complete platform at the repository's root, on a gateway."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from control_plane.catalog.load import load
from control_plane.catalog.model import Catalog
from tests.kong.world import World, lines

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]


def directly(catalog: Catalog) -> Catalog:
    """Without the load balancer, which is not here."""
    assert catalog.environment.kong
    kong = replace(catalog.environment.kong, behind=None)
    return replace(catalog, environment=replace(catalog.environment, kong=kong))


def test_the_tochigi_example_is_applied_and_stays(world: World):
    catalog = directly(load(ROOT, "production", as_of=datetime(2026, 11, 1, tzinfo=UTC)))
    assert len(world.apply(catalog, parallel=8)) > 200
    assert world.call("/ngsi/v2/entities").status_code == 401
    assert world.call("/opendata/v3/package_list").status_code == 200
    key = world.key_of("gis", tenant="tochigi")  # a service whose grants do not end
    heard = world.call("/ngsi/v2/entities", apikey=key, X_Data_Scope="road").json()
    assert heard["headers"]["Fiware-ServicePath"] == "/road/#"
    assert world.call("/ngsi/v2/entities", "POST", apikey=key, X_Data_Scope="road").status_code == 403
    world.by_hand("POST", "/consumers/tochigi.gis/acls", {"group": "ngsi-v2.v2:update"})
    plan = world.plan(catalog)
    assert lines(plan) == []
    assert [str(found.key) for found in plan.attached] == ["kong.acl tochigi.gis ngsi-v2.v2:update"]
    assert world.call("/ngsi/v2/entities", "POST", apikey=key, X_Data_Scope="road").status_code == 403
