"""Everything that the language has for Keycloak in one platform: nothing of it stands in the way of another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import Update
from control_plane.keycloak import KINDS
from tests.keycloak.conftest import World, told
from tests.keycloak.features import REALM, Places, everything
from tests.keycloak.test_kinds import TOLD

pytestmark = pytest.mark.servers


def test_after_an_apply_of_everything_the_plan_is_empty_and_a_change_of_one_person_is_that_alone(
    world: World, places: Places
) -> None:
    catalog = world.here(everything(places))
    made = {outcome.change.key.kind for outcome in world.apply(catalog)}
    assert made >= {kind.name for kind in KINDS} - TOLD, "of every kind something is made"
    assert told(world.plan(catalog)) == []
    plan = world.plan(with_another_name(catalog))
    (change,) = plan
    assert isinstance(change, Update)
    assert (change.key.kind, change.key.name, change.changed) == ("keycloak.user", "staff-01", {"lastName"})
    world.apply(with_another_name(catalog))
    assert told(world.plan(with_another_name(catalog))) == []


def with_another_name(catalog: Catalog) -> Catalog:
    tenant = catalog.tenants[REALM]
    users = tuple(replace(one, family_name="日光") if one.username == "staff-01" else one for one in tenant.users)
    return replace(catalog, tenants={**catalog.tenants, REALM: replace(tenant, users=users)})
