"""What `renkei init` writes is a configuration that holds."""

from __future__ import annotations

from importlib.resources import as_file, files

from control_plane.catalog.load import load


def test_the_starter_is_valid_and_has_one_of_each():
    with as_file(files("control_plane.catalog") / "starter") as directory:
        catalog = load(directory, None)
    assert catalog.environment.embedded
    assert [user.username for user in catalog.users()] == ["staff-01"]
    assert [service.name for service in catalog.services()] == ["city.portal"]
    assert list(catalog.apis) == ["ngsi-v2"]


def test_whoever_may_change_something_in_the_starter_shows_a_second_factor():
    with as_file(files("control_plane.catalog") / "starter") as directory:
        catalog = load(directory, "sandbox")
    assert catalog.demands_mfa("administrator")
