"""Login flows of our own, built beside those that are bound and proven complete before anything is bound to them.

A flow has no attributes: the prefix of its name is its mark. Stock flows differ between versions and are never patched.
Executions are made one by one, so a flow can be half there; as nothing is bound to it yet, it is simply made again. A
flow that is bound and was edited by hand is not repaired step by step, which could open a door on the way: it is set
aside under another name, made anew, bound, and only then removed.

Keycloak looks the bound flow up at every step of a login, so a login that is under way when another flow is bound
begins anew with the password, whether the old flow is kept or not: kept, it would ask for the old flow's factor first,
and then for everything again. So it goes in the same apply. Sessions, and who sets up a factor, are not touched.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

from control_plane.catalog.model import Catalog, Realm
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak import danger, doorways, links, logins, providers, realmput, sessions
from control_plane.keycloak.answers import Conflict, Json, Missing, text
from control_plane.keycloak.flowtree import SUB_FLOW, Execution, Flow, Step, SubFlow, digest, line, parse
from control_plane.keycloak.marks import PREFIX
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import Problem, ServerError

NAME = "keycloak.flow"
BINDINGS = {"browser": "browserFlow", "direct-grant": "directGrantFlow", "reset": "resetCredentialsFlow"}
ASIDE = " replaced "  # in the name of one that was bound and edited, until another one is in its place
NAMES_A_FLOW = "flow_to_check"  # a setting that names a sub-flow, on the server by its full name


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for flow in of(catalog, realm):
            fields = {"steps": flow.lines}
            yield Resource(Key(NAME, realm.name, flow.alias), fields, realm.origin, frozenset({realm.owner}))


def of(catalog: Catalog, realm: Realm) -> tuple[Flow, ...]:
    """Every flow that the realm needs."""
    return (*logins.bound(realm), *doorways.of(catalog, realm))


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "authentication", "flows")
    found = [one for one in server.session.list(where) if not one.get("builtIn")]
    server.remember(NAME, realm, {text(one, "alias", where): text(one, "id", where) for one in found})
    for one in found:
        alias = one["alias"]
        ours = alias.startswith(PREFIX)
        yield Resource(Key(NAME, realm, alias), {"steps": lines(server, realm, alias)} if ours else {}, owned=ours)


def lines(server: Keycloak, realm: str, alias: str) -> tuple[str, ...]:
    """What the server would run, in the words of `flowtree.Flow.lines`."""
    where = path(realm, "authentication", "flows", alias, "executions")
    found = server.session.list(where)
    read_config = partial(_config, server, realm, alias)
    return tuple(_line(one, read_config(one), alias) for one in found)


def is_as_built(server: Keycloak, realm: str, alias: str) -> bool:
    """Whether the flow is what renkei calls by this name, now or in an earlier version: the name follows from it."""
    return alias.startswith(PREFIX) and alias.endswith(f"-{digest(lines(server, realm, alias))}")


def _config(server: Keycloak, realm: str, alias: str, execution: Json) -> dict[str, str]:
    id = execution.get("authenticationConfig")
    if not id:
        return {}
    try:
        config = server.session.get(path(realm, "authentication", "config", str(id))).get("config") or {}
    except Missing:
        return {"config": "missing"}
    return {
        str(name): str(value).removeprefix(f"{alias} ") if name == NAMES_A_FLOW else str(value)
        for name, value in config.items()
    }


def _line(execution: Json, config: dict[str, str], alias: str) -> str:
    what = str(execution.get("providerId"))
    if execution.get("authenticationFlow"):
        what = SUB_FLOW + str(execution.get("displayName")).removeprefix(f"{alias} ")
    return line(int(execution.get("level") or 0), str(execution.get("requirement")), what, config)


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    """Build the flow and prove it. What an earlier run has left of it is replaced."""
    realm, alias = want.key.within, want.key.name
    wanted = _steps(want)
    if alias == logins.RESET.alias and not understands(server, realm, logins.BY_MAIL):
        message = f"this Keycloak has no '{logins.AGAIN}' after a new password by mail; login flow {alias} was not made"
        help = "without it the mail alone opens the account: use a newer Keycloak 26, or leave out `reset_password`"
        raise ServerError(Problem(message, help=help))
    body = {"alias": alias, "providerId": "basic-flow", "topLevel": True, "builtIn": False, "description": _ABOUT}
    try:
        id = server.session.post(path(realm, "authentication", "flows"), body)
    except Conflict:
        if lines(server, realm, alias) == wanted:
            return
        raise
    server.learn(NAME, realm, alias, id)
    _build(server, realm, alias, alias, parse(wanted))
    there = lines(server, realm, alias)
    if there != wanted:
        raise ServerError(
            Problem(
                f"login flow {alias} of realm {realm} is not complete after it was written; nothing was bound to it",
                note="Keycloak has: " + " / ".join(one.strip() for one in there),
            )
        )


def understands(server: Keycloak, realm: str, step: Step) -> bool:
    """Whether the server has the settings of the step: those that it has not, it stores all the same."""
    said = server.session.get(path(realm, "authentication", "config-description", step.provider))
    return {name for name, _ in step.config} <= {one.get("name") for one in said.get("properties") or ()}


_ABOUT = "Made by renkei and replaced when it is edited here"


def _steps(flow: Resource) -> tuple[str, ...]:
    steps = flow.fields["steps"]
    assert isinstance(steps, tuple)
    return tuple(map(str, steps))


def _build(server: Keycloak, realm: str, top: str, parent: str, steps: tuple[Execution, ...]) -> None:
    where = path(realm, "authentication", "flows", parent, "executions")
    for number, step in enumerate(steps, 1):
        priority = 10 * number  # explicit: without it, executions collide
        match step:
            case Step(provider, requirement, config):
                id = server.session.post(f"{where}/execution", {"provider": provider, "priority": priority})
                server.session.put(where, {"id": id, "requirement": requirement, "priority": priority})
                if config:
                    settings = {n: f"{top} {value}" if n == NAMES_A_FLOW else value for n, value in config}
                    alias = f"{top} {secrets.token_hex(4)}"  # unique in the realm, also beside a flow set aside
                    named = {"alias": alias, "config": settings}
                    server.session.post(path(realm, "authentication", "executions", id, "config"), named)
            case SubFlow(name, requirement, inner):
                alias = f"{top} {name}"
                body = {"alias": alias, "type": "basic-flow", "provider": "", "description": "", "priority": priority}
                server.session.post(f"{where}/flow", body)
                id = _execution(server, where, alias)
                server.session.put(where, {"id": id, "requirement": requirement, "priority": priority})
                _build(server, realm, top, alias, inner)


def _execution(server: Keycloak, where: str, sub_flow: str) -> str:
    """The id of the execution that runs a sub-flow: the answer to its creation names the flow, not the execution."""
    for found in server.session.list(where):
        if found.get("displayName") == sub_flow:
            return text(found, "id", where)
    raise ServerError(f"Keycloak does not show the sub-flow '{sub_flow}' that it has just made")


def update(server: Keycloak, change: Update) -> None:
    """Somebody has edited the flow, or an earlier run did not end it: another in its place.

    Whoever came in while an edited one was bound signs in anew. That one goes last: of a run that is killed before, it
    tells the next one that they have not yet.
    """
    realm, alias = change.key.within, change.key.name
    found = server.session.get(path(realm))
    bound = [name for name in BINDINGS.values() if found.get(name) == alias]
    doors = _passed_by(server, realm, alias)
    if not bound and not doors:
        delete(server, change.have)
        create(server, change.want)
        return
    aside = _set_aside(server, realm, alias)
    create(server, change.want)
    if bound:
        realmput.put(server.session, realm, dict.fromkeys(bound, alias))
    for provider, names in doors.items():
        where = providers.where(realm, provider)
        server.session.put(where, {**server.session.get(where), **dict.fromkeys(names, alias)})
        links.end_sessions(server, realm, provider)
    if bound:
        sessions.end_of_realm(server, realm)
    server.session.delete(path(realm, "authentication", "flows", aside))


def _passed_by(server: Keycloak, realm: str, alias: str) -> dict[str, list[str]]:
    """The identity providers whose people pass the flow, and which of their fields name it."""
    found = {
        text(one, "alias", "identity-provider"): [name for name in providers.FLOWS if one.get(name) == alias]
        for one in providers.every(server, realm)
    }
    return {provider: names for provider, names in found.items() if names}


def _set_aside(server: Keycloak, realm: str, alias: str) -> str:
    """Give the flow and its sub-flows other names, and return its id. A binding follows the renaming."""
    id = server.id(NAME, realm, alias)
    suffix = f"{ASIDE}{secrets.token_hex(4)}"
    where = path(realm, "authentication", "flows", alias, "executions")
    parts = [str(one["flowId"]) for one in server.session.list(where) if one.get("authenticationFlow")]
    for part in (*parts, id):  # the flow itself last: until then it is found under its name
        one = path(realm, "authentication", "flows", part)
        found = server.session.get(one)
        server.session.put(one, {**found, "alias": f"{found['alias']}{suffix}"})
    return id


def delete(server: Keycloak, have: Resource) -> None:
    """One that is still bound stays: Keycloak would answer 500, and nobody has said what logins shall ask for.

    A provider of others that names it is closed and loses it. Of one that was set aside nobody knows who came in by it.
    """
    realm, alias = have.key.within, have.key.name
    found = server.session.get(path(realm))
    if any(found.get(name) == alias for name in BINDINGS.values()):
        message = f"login flow {alias} of realm {realm} is in use, and Git names none in its place"
        raise ServerError(Problem(message, help="bind another flow in Keycloak, or let the template say who is asked"))
    for provider, names in _passed_by(server, realm, alias).items():
        there = server.session.get(providers.where(realm, provider))
        if not providers.is_ours(server, there):
            providers.close(server, realm, {**there, **dict.fromkeys(names, "")})
    if ASIDE in alias:
        sessions.end_of_realm(server, realm)
    server.session.delete(path(realm, "authentication", "flows", server.id(NAME, realm, alias)))


FLOW = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.realm",),
    serial_by=lambda flow: flow.key.within,
    danger=danger.of_login,
)
