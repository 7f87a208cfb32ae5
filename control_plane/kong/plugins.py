"""Plugins: two kinds of one collection, by where they stand, because of the order in which they must come.

kong.plugin stands on a service, a consumer or everything and comes before the routes; kong.route-plugin stands on a
route, which must be there first. When things go, routes go before the plugins of their service, and the proxy has
taken that up.

A plugin is put by its instance name, which PUT may also move to another place (contract: admin-plugins), so what was
moved by hand is moved back. Its place and every field of its configuration that we know are declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value
from control_plane.kong import danger, meanwhile, naming, policies, strangers, values
from control_plane.kong.client import Kong, Row, at
from control_plane.kong.policies import answers, chunk, guard
from control_plane.kong.policies.plugin import Plugin

PLUGIN, ROUTE_PLUGIN = "kong.plugin", "kong.route-plugin"
PROTOCOLS = frozenset({"http", "https", "grpc", "grpcs"})  # Kong's default for nearly every plugin
OTHER_PROTOCOLS = {"ip-restriction": PROTOCOLS | {"tcp", "tls"}}
PLACES = {"service": "services", "route": "routes", "consumer": "consumers"}
OURS = frozenset(
    {
        *(
            "acl",
            "jwt",
            "key-auth",
            "ip-restriction",
            "bot-detection",
            "cors",
            "rate-limiting",
            "request-size-limiting",
        ),
        *("correlation-id", "file-log", "http-log", "prometheus", "request-termination", "response-transformer"),
        *("pre-function", "post-function"),
    }
)  # plugins that we write, by Kong's names
SECRETS = {"http-log": {"headers"}, "rate-limiting": {"password", "sentinel_password"}}  # what they hold in clear
FUNCTIONS = frozenset({"pre-function", "post-function"})
PHASES = frozenset({"access", *guard.PHASES})
IN_THE_NODES_VAULT = "{vault://"
LOG_FIELDS = "custom_fields_by_lua"
LUA = (("access", "guard", chunk), ("header_filter", "answers", answers))  # phase, what it is, how it is read
NAMED_BY = {"service": "name", "route": "name", "consumer": "username"}


def _desired(kind: str, wanted: Callable[[Catalog], Iterable[Plugin]]) -> Callable[[Catalog], Iterator[Resource]]:
    def desired(catalog: Catalog) -> Iterator[Resource]:
        for plugin in wanted(catalog):
            fields: Fields = {
                "name": plugin.name,
                "enabled": True,
                "protocols": OTHER_PROTOCOLS.get(plugin.name, PROTOCOLS),
                "service": plugin.service,
                "route": plugin.route,
                "consumer": plugin.consumer,
                "config": _shown(values.values(plugin.config)),
                "tags": naming.tags(catalog.platform.name, plugin.belongs),
            }
            key = Key(kind, plugin.within, plugin.instance)
            yield Resource(key, fields, origin=plugin.origin, belongs=naming.ids(plugin.belongs))

    return desired


def _read(kind: str) -> Callable[[Kong], Iterator[Resource]]:
    def read(kong: Kong) -> Iterator[Resource]:
        ours = {
            place: {row["id"] for row in kong.rows(collection) if kong.is_ours(row)}
            for place, collection in PLACES.items()
        }
        for row in kong.rows("plugins"):
            if (row.get("route") is not None) is (kind == ROUTE_PLUGIN):
                yield _found(kong, kind, row, ours)

    return read


def _found(kong: Kong, kind: str, row: Row, ours: dict[str, set[str]]) -> Resource:
    owned = kong.is_ours(row)
    places = {place: kong.name_of(collection, row.get(place)) for place, collection in PLACES.items()}
    name = row.get("instance_name") or f"{row.get('name')} ({row['id']})"
    config = _shown(values.values(row.get("config") or {})) if owned else _of_a_stranger(row)
    fields: Fields = {**values.declared(row, ("name", "enabled", "protocols")), "config": config, **places}
    on_ours = any((row.get(place) or {}).get("id") in known for place, known in ours.items())
    return Resource(
        Key(kind, _within(kong, row), name),
        fields,
        belongs=naming.ids(row["tags"]),
        owned=owned,
        attached=not owned and on_ours,
        danger=None if owned else strangers.plugin(row, on_ours=on_ours),
        remove=strangers.removal("plugins", row["id"]),
    )


def _of_a_stranger(row: Row) -> Fields:
    """The configuration of a plugin that may become ours, without what may be a secret; of all others nothing."""
    name = str(row.get("name"))
    if name not in OURS:
        return {}
    shown = _shown(_without(values.values(row.get("config") or {}), SECRETS.get(name, set())))
    if name in FUNCTIONS:
        return {field: value for field, value in shown.items() if field not in PHASES or _are_ours(value)}
    return shown


def _are_ours(programs: Value) -> bool:
    """Whether they are programs that renkei has written; one of somebody else's may hold anything."""
    texts = programs if isinstance(programs, tuple) else (programs,)
    return all(one == answers.BODY or chunk.BY_US in str(one).partition("\n")[0] for one in texts)


def _without(config: Fields, secrets: set[str]) -> Fields:
    """The fields, at any depth, but those; a secret that the node looks up itself is none."""
    return {
        name: _without(value, secrets) if isinstance(value, Mapping) else value
        for name, value in config.items()
        if name not in secrets or value is None or str(value).startswith(IN_THE_NODES_VAULT)
    }


def _within(kong: Kong, row: Row) -> str:
    """The consumer, or the service that it stands on or that its route leads to; for ours of all calls the platform."""
    if row.get("consumer"):
        return kong.name_of("consumers", row["consumer"]) or ""
    if row.get("route"):
        routes = kong.by_id("routes")
        route = routes.get(row["route"]["id"], {})
        return kong.name_of("services", route.get("service")) or kong.name_of("routes", row["route"]) or ""
    if row.get("service"):
        return kong.name_of("services", row["service"]) or ""
    return kong.platform if kong.is_ours(row) else ""


def same(want: Resource, have: Resource) -> bool:
    """The plugin of that name in that place, under whatever instance name: Kong takes none twice."""
    return all(want.fields[name] == have.fields[name] for name in ("name", *PLACES))


def create(kong: Kong, want: Resource) -> None:
    """Without the protocols, which are Kong's defaults: Kong checks given ones before it resolves a service's name."""
    kong.put(at("plugins", want.key.name), _without_protocols(want.fields))


def update(kong: Kong, change: Update) -> None:
    """All of the configuration that we declare when any of it differs; Kong keeps what we do not name.

    One that was moved, or that no longer runs for every protocol, is put anew; a log too, so that no field of another
    stays in it.
    """
    config = change.want.fields["config"]
    if change.have.key.name != change.key.name:  # adopted
        body = {**_without_protocols(change.want.fields), "instance_name": change.key.name}
        kong.patch(at("plugins", _address(change.have)), body)
        return
    if change.changed & {"protocols", *PLACES} or (isinstance(config, Mapping) and LOG_FIELDS in config):
        create(kong, change.want)
        return
    body = _body(change.want.fields)
    kong.patch(at("plugins", change.key.name), {name: body[name] for name in sorted(change.changed)})


def _without_protocols(fields: Fields) -> dict[str, object]:
    return {name: value for name, value in _body(fields).items() if name != "protocols"}


def _body(fields: Fields) -> dict[str, object]:
    places = {place: None if fields[place] is None else {NAMED_BY[place]: fields[place]} for place in PLACES}
    return {**values.body(fields), **places, "config": config_body(fields["config"])}


def _shown(config: Fields) -> Fields:
    """The configuration with Lua of ours as what it says, in the place of its text, and a log's fields as a set.

    Of a mapping only the names that we declare are compared; a field more in a log is a difference too.
    """
    shown = dict(config)
    for phase, name, lua in LUA:
        match config.get(phase):
            case (str() as text,) if (said := lua.read(text)) is not None:
                del shown[phase]
                shown[name] = said
    fields = config.get(LOG_FIELDS)
    if isinstance(fields, Mapping):
        shown[LOG_FIELDS] = frozenset(f"{name}: {lua}" for name, lua in fields.items())
    return shown


def config_body(config: Value) -> dict[str, object]:
    """The configuration as Kong takes it, Lua of ours as its text again."""
    assert isinstance(config, Mapping)
    given = dict(config)
    fields = given.get(LOG_FIELDS)
    if isinstance(fields, frozenset):
        pairs = (str(field).partition(": ") for field in sorted(map(str, fields)))
        given[LOG_FIELDS] = {name: lua for name, _, lua in pairs}
    for phase, name, lua in LUA:
        said = given.get(name)
        if isinstance(said, Mapping):
            del given[name]
            given[phase] = (lua.write(said),)
    return values.body(given)


def delete(kong: Kong, have: Resource) -> None:
    """By its instance name; one of ours that lost it, by its id, which stands in brackets at the end of its key."""
    kong.delete(at("plugins", _address(have)))


def _address(have: Resource) -> str:
    name = have.key.name
    return name.rpartition("(")[2].rstrip(")") if name.endswith(")") else name


PLUGINS = Kind(
    PLUGIN,
    _desired(PLUGIN, policies.plugins),
    _read(PLUGIN),
    create,
    update,
    delete,
    after=("kong.service", "kong.consumer"),
    settle_before_delete=True,
    meanwhile=meanwhile.of_plugin,
    danger=danger.of_plugin,
    adoptable=True,
    same=same,
)
ROUTE_PLUGINS = Kind(
    ROUTE_PLUGIN,
    _desired(ROUTE_PLUGIN, policies.route_plugins),
    _read(ROUTE_PLUGIN),
    create,
    update,
    delete,
    after=("kong.route", "kong.plugin", "kong.consumer"),
    meanwhile=meanwhile.of_plugin,
    danger=danger.of_plugin,
    adoptable=True,
    same=same,
)
