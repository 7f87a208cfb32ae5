"""Whose word on a client's address the node takes: what the YAML says (`behind`), and what the node says of itself.

Asked where addresses decide: `allowed_ips`, and limits of open data, which count by address. Behind a load balancer
that the node does not trust every call comes from the load balancer; a node that trusts everybody lets everybody say
that he comes from an address that is allowed. Source: Kong's configuration reference (trusted_ips, real_ip_header,
real_ip_recursive); proxy-ip-trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from control_plane.catalog.model import Behind, Catalog
from control_plane.problems import Origin, Problem

HEADER = "X-Real-IP"  # Kong's real_ip_header when nobody sets it
SAFE = "an allow-list and a limit by address are as good as the address that the gateway sees"


def problems(settings: Mapping[str, Any], catalog: Catalog) -> Iterator[Problem]:
    """What is missing or otherwise in the node's settings for the addresses that the catalog goes by."""
    used = next(_used(catalog), None)
    if used is None:
        return
    what, origin = used
    kong = catalog.environment.kong
    behind = kong.behind if kong else None
    trusted = _networks(settings.get("trusted_ips"))
    if everybody := sorted(one for one in trusted if one.endswith("/0")):
        yield Problem(
            f"this Kong takes everybody's word on where a call comes from (trusted_ips has {everybody[0]})",
            origin,
            note=f"{what}, and whoever calls could write an allowed address into a header.",
            help=_set(behind) if behind else "set KONG_TRUSTED_IPS to the load balancers' addresses, or leave it out",
        )
    elif behind is None:
        if trusted:
            names = ", ".join(sorted(trusted))
            yield Problem(
                f"this Kong takes the word of {names} on where a call comes from, and the YAML does not say so",
                origin,
                note=f"{what}; {SAFE}.",
                help=f"if these are your load balancers, in `kong` of the environment: {_as_yaml(trusted, settings)}",
            )
    else:
        yield from _otherwise(settings, behind, trusted, what)


def _otherwise(settings: Mapping[str, Any], behind: Behind, trusted: frozenset[str], what: str) -> Iterator[Problem]:
    declared = _networks(behind.proxies)
    if missing := sorted(declared - trusted):
        yield Problem(
            f"this Kong does not take the word of {', '.join(missing)} on where a call comes from",
            behind.origin,
            note=f"{what}, and it would see the load balancer's address in every call.",
            help=_set(behind),
        )
    if more := sorted(trusted - declared):
        yield Problem(
            f"this Kong takes the word of {', '.join(more)} too on where a call comes from",
            behind.origin,
            note=f"{what}; {SAFE}.",
            help=_set(behind),
        )
    header = str(settings.get("real_ip_header") or HEADER)
    if header.lower() != behind.header.lower():
        yield Problem(
            f"this Kong reads the client's address from {header} and not from {behind.header}",
            behind.origin,
            note=f"{what}; {SAFE}.",
            help=f"set KONG_REAL_IP_HEADER={behind.header} on every node",
        )
    found = settings.get("real_ip_recursive")
    if found is not None and (found in (True, "on")) != behind.several:
        wanted = "on" if behind.several else "off"
        yield Problem(
            f"this Kong {'stops at the last proxy' if behind.several else 'looks behind the last proxy'}"
            f" (real_ip_recursive is not {wanted})",
            behind.origin,
            note=f"`several` is {'true' if behind.several else 'false'}; {SAFE}.",
            help=f"set KONG_REAL_IP_RECURSIVE={wanted} on every node",
        )


def _used(catalog: Catalog) -> Iterator[tuple[str, Origin | None]]:
    """What goes by addresses, with the line that says so."""
    for api in catalog.apis.values():
        if api.allowed_ips:
            yield f"API '{api.name}' has allowed_ips", api.origin
        elif not api.auth and any(level.limit for level in api.levels):
            yield f"the limits of '{api.name}' count by address", api.origin
    for service in catalog.services():
        if service.allowed_ips:
            yield f"service '{service.name}' has allowed_ips", service.origin


def _networks(found: object) -> frozenset[str]:
    """Addresses and networks in one form; Kong shows an empty list as an empty object, and `unix:` for sockets."""
    texts = [str(one) for one in found] if isinstance(found, list | tuple) else []
    return frozenset(str(ip_network(text, strict=False)) for text in texts if not text.startswith("unix"))


def _set(behind: Behind) -> str:
    return f"set KONG_TRUSTED_IPS={','.join(behind.proxies)} on every node"


def _as_yaml(trusted: frozenset[str], settings: Mapping[str, Any]) -> str:
    header = str(settings.get("real_ip_header") or HEADER)
    return f"behind: {{proxies: [{', '.join(sorted(trusted))}], header: {header}}}"
