"""A version in use is retired by the command line: refused with the reasons, allowed by its name."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.servers

V2 = "- {version: v2, path: /{tenant}/ngsi/v2, state: published, upstream_path: /v2}"
V3 = "  - {version: v3, path: /{tenant}/ngsi/v3, state: published, upstream_path: /v3}"


def test_plan_and_apply_refuse_to_retire_a_version_in_use_until_it_is_named(world):
    world.edit("renkei.yaml", "environments:", "limits: {deletes: 100}\nenvironments:")
    world.apply()
    world.edit("apis/ngsi-v2.yaml", V2, V2.replace("published", "retired") + "\n" + V3)
    plan = world.renkei("plan")
    assert plan.code == 0
    for told in (plan.err, world.renkei("apply", "--yes").err):
        assert "error: version 'ngsi-v2.v2' is in use and would be retired" in told
        assert "apis/ngsi-v2.yaml:9" in told
        assert f"{world.tenant}.portal  tenants/city.yaml:" in told
        assert "    --allow-retire ngsi-v2.v2" in told
    assert world.call(key=world.portal_key) == 200

    allowed = world.renkei("plan", "--allow-retire", "ngsi-v2.v2")
    assert "in use" not in allowed.err
    assert "--allow-retire ngsi-v2.v2 --expect" in allowed.out
    world.apply("--allow-retire", "ngsi-v2.v2")
    assert world.call(key=world.portal_key) == 410
    assert world.apply("--allow-retire", "ngsi-v2.v2").out.startswith("Nothing to do"), "the same command again"
