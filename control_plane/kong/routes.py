"""Routes: one per level of an API version, by method and path; a retired version has one for everything, which answers
410; one more takes preflights where pages of other origins may call.

A prefix in Kong has no segment boundary: `/orders` takes `/ordersX` too. So paths are regular expressions that end at
a `/` or at the end. Kong's router has no look-ahead; the `/` that the expression takes is put back when the path is
joined to the upstream's (contract: proxy-strip-path). The path of a level with patterns cannot be joined so: its route
strips nothing, the guard writes the upstream's path, and without the guard the call leads nowhere. Of two regular
expressions the one with the greater regex_priority goes first, however long they are.

Fields that could widen or narrow a route are declared, also where they are Kong's defaults, so that a change by hand
is drift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from control_plane.catalog.model import Api, Catalog, Level
from control_plane.catalog.patterns import ANY, NoOrder, patterns, ranks
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value
from control_plane.kong import danger, meanwhile, naming, strangers, values
from control_plane.kong.client import Kong, Row, at, named
from control_plane.kong.view import Standing, standing
from control_plane.problems import Origin, bug

NAME = "kong.route"
PREFLIGHT = "Access-Control-Request-Method"  # what a browser asks about before it calls (Fetch standard)
PLAIN: Fields = {
    "hosts": None,
    "headers": None,
    "snis": None,
    "sources": None,
    "destinations": None,
    "protocols": frozenset({"http", "https"}),
    "regex_priority": 0,
    "strip_path": True,
    "preserve_host": False,
    "path_handling": "v0",
}
METHODS: frozenset[Value] = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FIELDS = (*PLAIN, "methods", "paths")


def desired(catalog: Catalog) -> Iterator[Resource]:
    for one in standing(catalog):
        first = len(one.api.levels) if one.lies_in_a_default else 0  # greater than any of the default's
        if one.live:
            order = _order(one.api)
            for level in one.api.levels:
                yield _of_level(catalog, one, level, first + order[level.name])
            if one.api.cors and one.preflights:
                asked: Fields = {"headers": {PREFLIGHT: one.cors_methods}, "regex_priority": first}
                yield _route(catalog, one, one.preflight_route, frozenset({"OPTIONS"}), one.api.cors.origin, asked)
            continue
        yield _route(catalog, one, naming.retired_route(one.api, one.version), None, one.version.origin)
        if one.lies_in_a_default:  # which names methods, and a route that names more fields goes first
            name = naming.retired_methods_route(one.api, one.version)
            yield _route(catalog, one, name, METHODS, one.version.origin, {"regex_priority": first})


def _of_level(catalog: Catalog, one: Standing, level: Level, priority: int) -> Resource:
    paths = tuple(path_of(prefix, pattern) for prefix in one.paths for pattern in level.paths or ("",))
    narrower: Fields = {"regex_priority": priority, "paths": paths, "strip_path": not level.paths}
    origin = level.origin or one.version.origin
    return _route(catalog, one, one.route(level), frozenset[Value](level.methods), origin, narrower)


def _route(
    catalog: Catalog,
    one: Standing,
    name: str,
    methods: frozenset[Value] | None,
    origin: Origin | None,
    narrower: Fields | None = None,
) -> Resource:
    fields: Fields = {
        **PLAIN,
        "service": one.name,
        "methods": methods,
        "paths": tuple(path_of(prefix) for prefix in one.paths),
        "tags": naming.tags(catalog.platform.name, one.belongs),
        **(narrower or {}),
    }
    return Resource(Key(NAME, one.name, name), fields, origin=origin, belongs=naming.ids(one.belongs))


def path_of(public: str, pattern: str = "") -> str:
    """The route path that takes `/ngsi/v2` and what is below it, and nothing else; of that the pattern's part.

    A regular expression is marked with `~` and is anchored at its start.
    """
    prefix = re.sub(r"[.+*?()\[\]{}|^$\\]", r"\\\g<0>", public.rstrip("/"))
    below = "".join("/" + ("[^/]+" if part == ANY else re.escape(part)) for part in patterns([pattern])[0])
    return f"~{prefix}{below}(/|$)"


def _order(api: Api) -> dict[str, int]:
    try:
        return ranks({level.name: (level.methods, level.paths) for level in api.levels})
    except NoOrder as error:
        raise bug(f"levels of {api.name} lie in each other: {', '.join(error.levels)}") from None


def read(kong: Kong) -> Iterator[Resource]:
    services = {row["id"] for row in kong.rows("services") if kong.is_ours(row)}
    own = list(strangers.own(kong, "routes"))
    for row in kong.rows("routes"):
        service = kong.name_of("services", row.get("service"))
        owned = kong.is_ours(row)
        yield Resource(
            Key(NAME, service or "", named(row)),
            {**values.declared(row, FIELDS), "service": service},
            belongs=naming.ids(row["tags"]),
            owned=owned,
            attached=not owned and _on(row, services),
            danger=None if owned else _danger(kong, row, own, service if _on(row, services) else None),
            remove=strangers.removal("routes", row["id"]),
        )


def _danger(kong: Kong, row: Row, own: list[Row], on_ours: str | None) -> str | None:
    service = row.get("service")
    alive = service is None or kong.by_id("services").get(service["id"], {}).get("enabled") is not False
    return strangers.route(row, own, on_ours=on_ours, alive=alive)


def _on(row: Row, services: set[str]) -> bool:
    return row.get("service") is not None and row["service"]["id"] in services


def create(kong: Kong, want: Resource) -> None:
    kong.put(at("routes", want.key.name), _body(want.fields))


def update(kong: Kong, change: Update) -> None:
    body = _body(change.want.fields)
    kong.patch(at("routes", change.key.name), {name: body[name] for name in change.changed})


def _body(fields: Fields) -> dict[str, object]:
    return {**values.body(fields), "service": {"name": fields["service"]}}


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(at("routes", _address(have)))


def _address(have: Resource) -> str:
    """A route of ours that lost its name is addressed by its id."""
    return have.key.name.strip("()")


ROUTES = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("kong.service", "kong.plugin"),
    meanwhile=meanwhile.of_route,
    danger=danger.of_route,
    adoptable=True,
)
