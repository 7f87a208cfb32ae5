"""Services whose tokens come from another platform: what they cannot have here, and whom they could be taken for."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.tenants import ServiceEntry
from control_plane.catalog.located import Located
from control_plane.problems import Problem

Service = Located[ServiceEntry]
HERE = ("redirect_uris", "post_logout_redirect_uris", "web_origins", "client_auth", "sector_url")
USUAL = (("client", "confidential"), ("subject", "public"), ("assurance", 1))
NOBODY = "Its tokens come from the other platform: it has no client here, and nobody signs in through it."


def check(declared: Declared) -> Iterator[Problem]:
    services = [(f"{tenant.name}.{one.value.service}", one) for tenant in declared.tenants for one in tenant.services()]
    named = {name: one for name, one in services if one.value.token_issuer is None}
    clients: dict[str, Service] = {}
    for _, service in services:
        if service.value.token_issuer is None:
            continue
        yield from _has_nothing_here(service)
        client = service.value.token_issuer.client
        taken = named.get(client) or clients.get(client)
        if taken is not None:
            note = f"The gateway knows whose a token is by its client alone, and {taken.origin()} has the same."
            message = f"tokens of '{client}' would stand for two services"
            help = "ask the other platform for a client of another name"
            yield service.problem(message, "token_issuer", "client", note=note, help=help)
        clients.setdefault(client, service)


def _has_nothing_here(service: Service) -> Iterator[Problem]:
    one = service.value
    if "token" not in one.auth:
        message = "'token_issuer' has no effect: the service shows no token"
        yield service.problem(message, "token_issuer", help="auth: [token]")
    fields = [*(field for field in HERE if getattr(one, field)), *(f for f, usual in USUAL if getattr(one, f) != usual)]
    for field in fields:
        yield service.problem(f"'{field}' has no effect beside 'token_issuer'", field, note=NOBODY, help="leave it out")
