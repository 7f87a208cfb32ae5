"""Which differences of our own objects widen access, and in what words.

Something more than Git says is a danger, something less is not: a lower limit, a method that is gone. Where we cannot
tell, it is one. What is missing is a danger only where something can be reached without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from control_plane.engine.plan import Change, Create, Delete, FieldChange, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Value
from control_plane.kong import strangers
from control_plane.kong.policies.addresses import networks

ANYBODY = "-"  # in a grant: from ever, or for ever
WITHOUT = {
    "key-auth": "keys are not asked for as Git says",
    "jwt": "tokens are not proved as Git says",
    "acl": "callers get in who are in no group that Git names",
    "ip-restriction": "calls come in from addresses that Git does not allow",
    "rate-limiting": "more calls get through than Git allows",
    "request-size-limiting": "larger requests get through than Git allows",
    "post-function": "grants, data scopes, periods and addresses are not held as Git says",
    "bot-detection": "programs get in that Git keeps out",
    "cors": "pages of origins that Git does not name may read answers",
}
HIDDEN = frozenset({"hosts", "headers", "snis", "sources", "destinations"})  # of a route: absent takes everything


def of_service(change: Change, have: State) -> str | None:
    match change:
        case Update(changes=changes):
            for one in changes:
                if one.path[0] in ("protocol", "host", "port", "path"):
                    return "calls, and the data in them, go to another place than Git says"
                if one.path[0] == "tls_verify" and one.before is not True:
                    return "the upstream's certificate is not verified"
                if one.path[0] == "ca_certificates" and not _within(one.before, one.after):
                    return "other authorities than Git says may vouch for the upstream"
    return None


def of_authority(change: Change, have: State) -> str | None:
    if isinstance(change, Delete):
        return "whoever has its key may vouch for servers of upstreams, and Git does not know it"
    return None


def of_certificate(change: Change, have: State) -> str | None:
    if isinstance(change, Update) and change.changed & {"cert", "key"}:
        return f"the gateway shows {change.key.name} another certificate than Git says"
    return None


def of_publication(change: Change, have: State) -> str | None:
    return "it answers calls, and Git no longer knows it" if isinstance(change, Delete) else None


def of_route(change: Change, have: State) -> str | None:
    match change:
        case Delete():
            return "it leads to a service of ours, and Git does not know it"
        case Update(changes=changes):
            wider = sorted({one.path[0] for one in changes if not _narrower_route(one)})
            if wider:
                return f"it takes other calls than Git says, or leads them elsewhere: {', '.join(wider)}"
    return None


def _narrower_route(change: FieldChange) -> bool:
    name = change.path[0]
    if name in HIDDEN:
        return change.after is None
    return name == "tags" or (name in ("methods", "protocols") and _within(change.before, change.after))


def of_acl(change: Change, have: State) -> str | None:
    if isinstance(change, Delete):
        return f"{change.key.within} is in the group {change.key.name}, and no grant says so"
    return None


def of_key(change: Change, have: State) -> str | None:
    match change:
        case Delete():
            return f"whoever has this key is {change.key.within} to the gateway, and Git does not know it"
        case Update() if "key" in change.changed:
            return f"whoever has this other key is {change.key.within} to the gateway"
        case Update(changes=changes) if any(one.path == ("ends",) and _longer(one) for one in changes):
            return f"the key of {change.key.within} holds for longer than the service may"
    return None


def _longer(ends: FieldChange) -> bool:
    return isinstance(ends.after, str) and (not isinstance(ends.before, str) or _time(ends.before) > _time(ends.after))


def of_jwt(change: Change, have: State) -> str | None:
    match change:
        case Delete():
            return f"whoever signs for this credential is {change.key.within} to the gateway, and Git does not know it"
        case Update() if change.changed - {"tags"}:
            return f"whoever signs with another key than the realm's is {change.key.within} to the gateway"
    return None


def of_upstream(change: Change, have: State) -> str | None:
    if isinstance(change, Update) and any(one.path[-1] == "https_verify_certificate" for one in change.changes):
        return "the certificates of its targets are not verified"
    return None


def of_target(change: Change, have: State) -> str | None:
    return "calls, and the data in them, go to a server that Git does not name" if isinstance(change, Delete) else None


def of_plugin(change: Change, have: State) -> str | None:
    match change:
        case Create(want):
            return WITHOUT.get(str(want.fields["name"])) if _reachable(want, have) else None
        case Delete(found):
            return strangers.plugin(found.fields, on_ours=True)
        case Update(want=want, changes=changes):
            return _changed_plugin(str(want.fields["name"]), changes)


def _reachable(plugin: Resource, have: State) -> bool:
    """Whether what the plugin stands on is there, and open."""
    route, service, consumer = (plugin.fields[place] for place in ("route", "service", "consumer"))
    if isinstance(route, str):
        service = route.rpartition(".")[0]
        if Key("kong.route", service, route) not in have:
            return False
    if isinstance(service, str):
        return Key("kong.publication", service, service) in have
    return not isinstance(consumer, str) or Key("kong.consumer", consumer, consumer) in have


def _changed_plugin(name: str, changes: tuple[FieldChange, ...]) -> str | None:
    if name in strangers.LOGS:
        told = any(one.path[0] == "config" for one in changes)
        return "what is called goes to another place than Git says, or more of it" if told else None
    narrower = NARROWER.get(name)
    wider = [one for one in changes if one.path != ("tags",) and not (narrower and narrower(one))]
    return WITHOUT.get(name) if wider else None


def _narrower_allow(change: FieldChange) -> bool:
    return change.path == ("config", "allow") and _within(change.before, change.after)


def _narrower_addresses(change: FieldChange) -> bool:
    match change:
        case FieldChange(("config", "allow"), frozenset() as found, frozenset() as wanted) if found:
            return all(_covered(str(one), wanted) for one in found)
        case FieldChange(("config", "deny"), frozenset() as found, wanted):
            return wanted is None or _within(wanted, found)
    return False


def _covered(address: str, wanted: frozenset[Value]) -> bool:
    [one] = networks([address])
    return any(one.version == two.version and one.subnet_of(two) for two in networks(map(str, wanted)))  # type: ignore[arg-type]


def _lower(change: FieldChange) -> bool:
    """A number that is there and smaller, or one that Git does not set at all."""
    before, after = change.before, change.after
    if not isinstance(before, int) or isinstance(before, bool):
        return False
    return after is None or (isinstance(after, int) and before < after)


def _narrower_guard(change: FieldChange) -> bool:
    match change.path:
        case ("config", "guard", "grants"):
            found, wanted = change.before, change.after
            if isinstance(found, frozenset) and isinstance(wanted, frozenset):
                return all(any(_grants(str(two), str(one)) for two in wanted) for one in found - wanted)
        case ("config", "guard", "addresses"):
            found, wanted = change.before, change.after
            if isinstance(found, frozenset) and isinstance(wanted, frozenset):
                return _narrower_places(_places(found), _places(wanted))
        case ("config", "answers", *rest):
            return bool(rest)  # other words; a text that is none of ours has no parts
    return False


def _places(lines: frozenset[Value]) -> dict[str, frozenset[Value]]:
    """Who, and from which networks."""
    return {who: frozenset[Value](nets) for who, *nets in (str(line).split(" ") for line in lines)}


def _narrower_places(found: Mapping[str, frozenset[Value]], wanted: Mapping[str, frozenset[Value]]) -> bool:
    """Whether nobody calls from where Git does not let him."""
    return all(who in found and all(_covered(str(one), nets) for one in found[who]) for who, nets in wanted.items())


def _grants(wide: str, narrow: str) -> bool:
    """Whether one grant holds whenever the other does, for all of its data."""
    one, two = wide.split(" "), narrow.split(" ")
    if len(one) != 5 or len(two) != 5 or one[:2] != two[:2]:
        return wide == narrow
    starts = one[3] == ANYBODY or (two[3] != ANYBODY and _time(one[3]) <= _time(two[3]))
    ends = one[4] == ANYBODY or (two[4] != ANYBODY and _time(two[4]) <= _time(one[4]))
    return starts and ends and set(two[2].split(",")) <= set(one[2].split(","))


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))


def _within(found: Value, wanted: Value) -> bool:
    return isinstance(found, frozenset) and isinstance(wanted, frozenset) and bool(found) and found <= wanted


NARROWER: Mapping[str, Callable[[FieldChange], bool]] = {
    "acl": _narrower_allow,
    "ip-restriction": _narrower_addresses,
    "rate-limiting": lambda change: change.path[0] == "config" and _lower(change),
    "request-size-limiting": lambda change: change.path[0] == "config" and _lower(change),
    "post-function": _narrower_guard,
}
