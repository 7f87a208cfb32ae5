"""A service that is renamed, or moved to another tenant: the same key goes on, and no call is refused meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import Update
from control_plane.engine.values import RealmKey, Secret
from tests.building import KEY, TOKEN, a_grant, a_platform, during, with_api, with_service, with_tenant
from tests.kong.test_crash import run_until
from tests.kong.world import Vault, World, lines, seen_by_upstream

pytestmark = pytest.mark.servers
OLD, NEW = "nasushiobara.portal", "nasushiobara.town-portal"
GRANTS = (a_grant("ngsi-v2", "read", period=during("2026-01-01")), a_grant("files", "read"))
APIS = (with_api("ngsi-v2", auth=(KEY, TOKEN)), with_api("files", scoping="path", limits={"read": {"hour": 100_000}}))


@dataclass
class Remembering(Vault):
    """As the store does: what was made under a former name is copied when it is asked for under the new one."""

    kept: dict[str, str] = field(default_factory=dict)  # by reference

    def value(self, reference: Secret | RealmKey) -> str:
        if not isinstance(reference, Secret) or not reference.previously:
            return self.kept.get(getattr(reference, "ref", "")) or super().value(reference)
        return self.value(Secret(reference.previously))

    def reveal(self, reference: Secret | RealmKey) -> str:
        if isinstance(reference, Secret):
            self.kept[reference.ref] = self.value(reference)
        return super().reveal(reference)


def before() -> Catalog:
    return a_platform(*APIS, with_service("portal", *GRANTS))


def after() -> Catalog:
    return a_platform(*APIS, with_service("town-portal", *GRANTS, previously=OLD))


@pytest.fixture
def renaming(world: World) -> World:
    return replace(world, vault=Remembering())


@dataclass
class Heard:
    names: list[str] = field(default_factory=list)  # whom the upstream took the caller for, in the order of the calls
    refused: list[str] = field(default_factory=list)


@contextmanager
def calling(world: World, key: str) -> Iterator[Heard]:
    heard, stop = Heard(), threading.Event()

    def call() -> None:
        while not stop.is_set():
            for path in ("/ngsi/v2/entities", "/files/v2/road/a.csv"):
                answer = world.call(path, apikey=key)
                if answer.status_code == 200:
                    heard.names.append(seen_by_upstream(answer)["headers"]["x-consumer-username"])
                else:
                    heard.refused.append(f"{path} {answer.status_code} {answer.content!r}")

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join()


def test_a_renamed_service_calls_on_with_its_key_and_no_call_is_refused(renaming: World) -> None:
    renaming.apply(before())
    with calling(renaming, renaming.key_of("portal")) as heard:
        renaming.apply(after())
        renaming.call("/ngsi/v2/entities", apikey=renaming.key_of("portal"))
    assert heard.refused == []
    changed = heard.names.index(NEW)
    assert set(heard.names[:changed]) == {OLD}
    assert set(heard.names[changed:]) == {NEW}


def test_the_plan_shows_one_key_that_changes_hands_and_no_new_one(renaming: World) -> None:
    renaming.apply(before())
    plan = renaming.plan(after())
    moved = [change for change in plan if isinstance(change, Update) and change.moves]
    assert [(change.have.key.within, change.key.within) for change in moved] == [(OLD, NEW)]
    assert not [line for line in lines(plan) if line.startswith(("create kong.key", "delete kong.key"))]


def test_once_renamed_the_former_name_means_nothing(renaming: World) -> None:
    renaming.apply(before())
    renaming.apply(after())
    assert not renaming.plan(after())
    later = a_platform(*APIS, with_service("town-portal", *GRANTS))
    kinds = {change.key.kind for change in renaming.plan(later)}
    assert kinds == {"kong.plugin"}  # the guards forget the former name
    renaming.apply(later)
    assert renaming.call("/ngsi/v2/entities", apikey=renaming.key_of("portal")).status_code == 200


def test_a_service_that_moves_to_another_tenant_keeps_its_key(renaming: World) -> None:
    renaming.apply(a_platform(*APIS, with_tenant("nikko"), with_service("portal", *GRANTS)))
    moved = with_service("portal", *GRANTS, tenant="nikko", previously=OLD)
    with calling(renaming, renaming.key_of("portal")) as heard:
        renaming.apply(a_platform(*APIS, with_tenant("nikko"), with_tenant("nasushiobara"), moved))
    assert heard.refused == []
    assert renaming.call("/ngsi/v2/entities", apikey=renaming.key_of("portal")).status_code == 200
    assert not renaming.plan(a_platform(*APIS, with_tenant("nikko"), with_tenant("nasushiobara"), moved))


def test_a_right_that_goes_with_the_renaming_goes_first(renaming: World) -> None:
    renaming.apply(before())
    plan = renaming.plan(a_platform(*APIS, with_service("town-portal", GRANTS[0], previously=OLD)))
    assert lines(plan)[0] == f"delete kong.acl {OLD} files.v2:read"
    assert plan.waves[-1].changes  # the other rows of the old name go after the key has changed hands


@pytest.mark.parametrize("answered", [False, True], ids=["before-the-write", "after-the-write"])
def test_a_renaming_that_is_killed_at_any_write_refuses_no_call_and_converges(renaming: World, answered: bool) -> None:
    renaming.apply(before())
    key, write = renaming.key_of("portal"), 1
    while run_until(renaming, after(), write, answered):
        answer = renaming.call("/ngsi/v2/entities", apikey=key)
        assert seen_by_upstream(answer)["headers"]["x-consumer-username"] in (OLD, NEW)
        write += 1
        renaming.apply(after())
        assert renaming.call("/files/v2/road/a.csv", apikey=key).status_code == 200
        renaming.empty()
        renaming.vault.kept.clear()  # type: ignore[attr-defined]
        renaming.apply(before())
    assert write > 10
