"""The page of JSON formats names the fields that the documents have, and its examples are such documents."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.app.accounts import Edit
from control_plane.engine.apply import Done, Failed, Skipped
from control_plane.engine.plan import make_plan
from control_plane.engine.resource import Key, Resource, state
from control_plane.keycloak.rotation import GENERATED, SINCE, Ring, SigningKey
from control_plane.problems import Origin, Problem
from control_plane.render.accounts import accounts_document
from control_plane.render.document import FORMAT_VERSION, About, outcomes_document, plan_document, problem_document
from control_plane.render.rotation import rotated_document, rotation_document
from control_plane.render.turnover import turned_document, turnover_document
from tests.docs.pages import ROOT, first_cells
from tests.engine.shelf import kind

PAGE = ROOT / "docs" / "reference" / "exit-codes-and-json.md"
ABOUT = About("tochigi", "production", datetime(2026, 11, 21, tzinfo=UTC))
KINDS = (kind("kong.acl"), kind("kong.key"))


def section(name: str) -> str:
    """The text under `### name`, code included, up to the next heading of that depth."""
    return next(
        part.partition("\n")[2]
        for part in re.split(r"^### ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
        if part.partition("\n")[0] == name
    )


def fields(text: str) -> set[str]:
    """The fields in the first column of the tables, `a`, `b` in one cell as two."""
    return {name for cell in first_cells(text) for name in re.findall(r"`(\w+)`", cell)}


def example(name: str) -> dict[str, object]:
    found = re.findall(r"^```json\n(.*?)^```$", section(name), re.MULTILINE | re.DOTALL)
    return json.loads(found[-1])


def a_document():
    """A plan with a create, an update, a delete, a conflict and something unmanaged."""

    def one(name, **more):
        return Resource(Key("kong.acl", "city.portal", name), more.pop("fields", {}), **more)

    origin = Origin("tenants/city.yaml", 17, 9)
    want = [
        one("new", fields={"tags": frozenset({"a"})}, origin=origin),
        one("changed", fields={"tags": frozenset({"a"})}, origin=origin),
        one("taken", origin=origin),
    ]
    have = [
        one("changed", fields={"tags": frozenset({"b"})}),
        one("gone"),
        one("taken", owned=False),
        one("strange", owned=False, attached=True),
    ]
    plan = make_plan(KINDS, state(want), state(have))
    return plan, plan_document(plan, ABOUT)


def test_the_fields_of_a_plan_and_of_its_changes_are_those_that_are_documented():
    _, document = a_document()
    top, changes = section("plan").split("A change:")
    assert fields(top) == set(document)
    assert fields(changes) == {name for change in document["changes"] for name in change} | {"target", "kind"}
    assert re.findall(r"`(\w+)`", re.search(r"^\| `counts`.*$", top, re.MULTILINE)[0])[1:] == list(document["counts"])
    for name in ("conflicts", "unmanaged"):
        row = re.search(rf"^\| `{name}` .*$", top, re.MULTILINE)[0]
        assert set(re.findall(r"`(\w+)`", row)) - {name} == set(document[name][0])


def test_the_fields_of_an_outcome_are_those_that_are_documented():
    plan, _ = a_document()
    change = next(iter(plan))
    outcomes = outcomes_document([Done(change), Failed(change, (Problem("x"),)), Skipped(change, "y")])
    told = section("apply")
    assert set(outcomes[0]) == set(re.findall(r"`(\w+)`", re.search(r"^\| `outcomes`.*$", told, re.M)[0])) - {
        "outcomes"
    }
    for outcome in outcomes:
        assert f"`{outcome['outcome']}`" in told
        assert all(f"`{name}`" in told for name in outcome)


@pytest.mark.parametrize("name", ["plan", "apply", "drift"])
def test_an_example_has_the_fields_of_its_table(name):
    of_plan = fields(section("plan").split("A change:")[0])
    more = {"plan": set(), "apply": fields(section("apply")), "drift": {"drift"}}[name]
    assert set(example(name)) == of_plan | more


@pytest.mark.parametrize("name", ["validate", "doctor", "sandbox status"])
def test_the_example_of_a_small_document_has_the_fields_of_its_table(name):
    assert set(example(name)) == fields(section(name)) - {"ok", "detail", "help", "name", "pid", "url", "keycloak"}


@pytest.mark.parametrize("name", ["plan", "apply", "drift", "validate", "doctor", "sandbox status"])
def test_every_example_has_the_version_that_is_written_now(name):
    assert example(name)["format_version"] == FORMAT_VERSION


def test_a_problem_has_the_fields_that_are_documented():
    text = PAGE.read_text("utf-8")
    shown = json.loads(re.search(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1])
    assert set(shown["problems"][0]) == set(problem_document(Problem("x")))


def test_the_document_of_a_rotation_has_the_fields_that_the_page_names():
    key = SigningKey("id", SINCE + "2026-11-21T00:00:00+00:00", GENERATED, "kid", 200, True, b"der")
    ring = Ring("nasushiobara", "id", timedelta(minutes=5), (key,))
    made = rotated_document(rotation_document(ABOUT, ring, ["remove"], (), 12), ["remove"])
    text = section("rotate realm-key")
    assert fields(text) >= made.keys()
    assert example("rotate realm-key").keys() == made.keys()


def test_the_document_of_a_secret_that_turns_over_has_the_fields_that_the_page_names():
    service, steps = "nasushiobara.portal", ["new", "switch", "store"]
    begun = turnover_document(ABOUT, service, "nasushiobara", f"services/{service}", steps, timedelta(days=2), None)
    made = turned_document(begun, steps, "2026-11-23T09:00:00+00:00")
    text = section("rotate client-secret")
    assert fields(text) >= made.keys()
    assert example("rotate client-secret") == made


def test_the_document_of_compared_accounts_has_the_fields_that_the_page_names():
    edit = Edit(
        "ashikaga-03", "mover", Origin("rosters/ashikaga.csv", 4), "rosters/ashikaga.csv", ("groups: [sewerage]",)
    )
    made = accounts_document("ashikaga", 6, 6, [edit])
    text = section("accounts compare")
    assert fields(text) == made.keys()
    assert example("accounts compare") == made
    row = re.search(r"^\| `differences`.*$", text, re.MULTILINE)[0]
    assert set(re.findall(r"`(\w+)`", row)) == {"differences", *made["differences"][0], *made["counts"]}
