"""How services prove to Keycloak who they are: with a secret, with a key, or, in a browser, not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.checks.references import index
from control_plane.catalog.declared import Declared, grants
from control_plane.catalog.documents import ApiDocument
from control_plane.catalog.documents.tenants import ServiceEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model.clients import host_of
from control_plane.problems import Problem

Api = Located[ApiDocument]
Service = Located[ServiceEntry]
RETURN = "say where a login returns to: redirect_uris: [https://…]"
KNOWN = "Whoever opens the page or the application has all of it: what it knows, everybody knows."


def check(declared: Declared) -> Iterator[Problem]:
    apis = index((one.value.api, one) for one in declared.apis)
    for tenant in declared.tenants:
        for service in tenant.services():
            yield from _addresses(service)
            yield from _subject(service)
            if service.value.client == "public":
                yield from _public(service, apis)
            elif service.value.client_auth and "token" not in service.value.auth and not service.value.redirect_uris:
                message = "'client_auth' has no effect: the service has no client at Keycloak"
                yield service.problem(message, "client_auth", help="auth: [token], or leave it out")


def _addresses(service: Service) -> Iterator[Problem]:
    """What says where browsers go says nothing of a service through which nobody signs in."""
    one = service.value
    for field, values in (
        ("post_logout_redirect_uris", one.post_logout_redirect_uris),
        ("web_origins", one.web_origins),
    ):
        if values and not one.redirect_uris:
            message = f"'{field}' has no effect: nobody signs in through this service"
            yield service.problem(message, field, help=RETURN)
    for position, origin in enumerate(one.web_origins):
        if origin == "*":
            message = "'*' would let every page ask for tokens of whoever is signed in"
            yield service.problem(message, "web_origins", position, help="name the pages: web_origins: [https://…]")


def _subject(service: Service) -> Iterator[Problem]:
    """Ids of its own need one host: without one, or with several, Keycloak refuses the client (400)."""
    one = service.value
    hosts = sorted({host_of(uri) for uri in one.redirect_uris})
    if one.subject == "public":
        if one.sector_url is not None:
            message = "'sector_url' has no effect: the service knows people by the id that every service knows"
            yield service.problem(message, "sector_url", help="subject: pairwise, or leave it out")
    elif not hosts:
        message = "'subject: pairwise' has no effect: nobody signs in through this service"
        yield service.problem(message, "subject", help=RETURN)
    elif len(hosts) > 1 and one.sector_url is None:
        message = f"redirect_uris have several hosts ({', '.join(hosts)}): with which one are ids made?"
        note = "Another host gives everybody another id, so it has to be one that stays."
        help = "sector_url: https://…, where a JSON list of all redirect_uris stands"
        yield service.problem(message, "subject", note=note, help=help)


def _public(service: Service, apis: Mapping[str, Api]) -> Iterator[Problem]:
    """A public client is nobody: it calls for people who have signed in, and never for itself."""
    one = service.value
    if not one.redirect_uris:
        yield service.problem("nobody signs in through this public client", "client", help=RETURN)
    if "api-key" in one.auth:
        place = one.auth.index("api-key")
        yield service.problem("a public client can keep no API key", "auth", place, note=KNOWN, help="auth: [token]")
    if one.client_auth:
        message = "a public client proves nothing: it can keep no key"
        yield service.problem(message, "client_auth", note=KNOWN, help="leave it out, or leave out 'client: public'")
    if one.own_data:
        message = "a public client has no data of its own"
        note = "It calls for people, and they have what their roles are granted."
        yield service.problem(message, "own_data", note=note, help="grants: on APIs that people may call")
    for grant in grants(service):
        api = apis.get(grant.value.api)
        if api and api.value.auth and "user" not in api.value.callers:
            message = f"nobody may call '{grant.value.api}' through a public client"
            note = f"'callers' is [{', '.join(api.value.callers)}] ({api.origin('callers')}): no people among them."
            yield grant.problem(message, "api", note=note, help="callers: [service, user], in the API")
