"""Who calls: what a caller shows, and whom that makes him."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from control_plane.access.requests import ACCESS_TOKEN, ApiKey, Credentials, Request, Token
from control_plane.catalog.model import Api, Auth, Catalog, Service, TokenIssuer


@dataclass(frozen=True)
class Caller:
    """A service that has proved itself, or a person who has signed in through it; by a token when there is one."""

    service: Service
    token: Token | None = None

    @property
    def roles(self) -> tuple[str, ...] | None:
        """Of the person; None: it is the service itself."""
        if self.token is None or self.token.service == self.service.name or self.service.token_issuer:
            return None
        return self.token.roles


def credentials_of(
    catalog: Catalog, service: Service, kind: str, at: datetime, roles: Iterable[str] | None = None
) -> Credentials:
    """The service's own `key`, a fresh access `token` of its realm, or `none`; with roles the token of a person.

    She has consented to all that she may be asked for.
    """
    match kind:
        case "key":
            return Credentials(key=ApiKey(service.name))
        case "token":
            if service.token_issuer:
                return Credentials(token=_of_another_platform(service.token_issuer, at, roles))
            realm = catalog.tenants[service.tenant].realm
            token = Token(service.name, realm, realm, at + timedelta(minutes=5), audience=catalog.platform.name)
            if roles is None:
                return Credentials(token=replace(token, service=service.name))
            told = sorted({held for role in roles for held in catalog.roles_with(role)})
            hers = replace(token, session="a login", roles=tuple(told), consents=tuple(catalog.scopes))
            return Credentials(token=hers)
        case _:
            return Credentials()


def _of_another_platform(theirs: TokenIssuer, at: datetime, roles: Iterable[str] | None) -> Token:
    """With roles that of a person over there, which is no proof here."""
    fresh = Token(theirs.client, None, theirs.issuer, at + timedelta(minutes=5), audience=theirs.audience)
    fresh = replace(fresh, issuer=theirs.issuer, client_id=theirs.client)
    return fresh if roles is None else replace(fresh, session="a login")


def usual(api: Api, service: Service) -> str:
    """The credential that a service shows to an API when nobody says which: its key, where both take one."""
    if not api.auth:
        return "none"
    both = api.auth & service.auth or service.auth
    return "key" if Auth.API_KEY in both else "token"


def caller(catalog: Catalog, api: Api, request: Request) -> Caller | str:
    """Who is calling, or why nobody can say. A token that is signed right goes before a key."""
    shown = request.credentials
    why = "no credentials are shown"
    if shown.token and Auth.TOKEN in api.auth:
        service = _with_token(catalog, shown.token.client)
        wrong = _wrong(catalog, service, shown.token, request.at)
        if service and not wrong:
            return Caller(service, shown.token)
        why = wrong or why
    elif shown.token:
        why = f"'{api.name}' takes no token"
    if shown.key and Auth.API_KEY in api.auth:
        service = _service(catalog, shown.key.of, Auth.API_KEY)
        if service and not over(service, request.at):
            return Caller(service)
        why = f"the key of {service.name} has ended with it" if service else "this key is no service's"
    elif shown.key and not shown.token:
        why = f"'{api.name}' takes no key"
    return why


def _service(catalog: Catalog, name: str | None, has: Auth) -> Service | None:
    """The service of that name, when it may prove itself in this way."""
    tenant = catalog.tenants.get((name or "").partition(".")[0])
    found = (one for one in (tenant.services if tenant else ()) if one.name == name and has in one.auth)
    return next(found, None)


def _with_token(catalog: Catalog, client: str | None) -> Service | None:
    """The service that tokens of this client stand for: at our Keycloak it has the service's name."""
    for service in catalog.services():
        if service.token_issuer and service.token_issuer.client == client and Auth.TOKEN in service.auth:
            return service
    found = _service(catalog, client, Auth.TOKEN)
    return found if found and not found.token_issuer else None


def over(service: Service, at: datetime) -> bool:
    """Whether the service's own period is over; its key ends at the same second."""
    return service.period.end is not None and service.period.end <= at


def _wrong(catalog: Catalog, service: Service | None, token: Token, at: datetime) -> str | None:
    """Why the token proves nothing."""
    if service is None:
        return "the token is of a client that is no service with `auth: [token]`"
    if service.public and token.service == service.name:
        return f"{service.name} is public and has no token of its own, only those of people"
    if service.token_issuer:
        if token.signed_by != service.token_issuer.issuer:
            return f"the token is not signed with the key of {service.token_issuer.issuer}"
    elif token.signed_by != catalog.tenants[service.tenant].realm:
        return "the token is not signed with the current key of the service's realm"
    if token.expires is None or token.expires <= at:
        return "the token has expired"
    return None


def no_access_token(catalog: Catalog, who: Caller, at: datetime) -> str | None:
    """Why a token that is signed right is still not one to call with: an ID token, one for later, one of a person."""
    if who.token is None:
        return None
    audience = who.token.audience
    if who.token.kind != ACCESS_TOKEN:
        return "the token is not an access token"
    if who.token.not_before and who.token.not_before > at:
        return "the token is not valid yet"
    if who.service.token_issuer:
        return _not_theirs(who.service.token_issuer, who.token)
    if who.token.realm != catalog.tenants[who.service.tenant].realm:
        return "the token is another issuer's"
    if catalog.platform.name not in ((audience,) if isinstance(audience, str) else audience or ()):
        return f"the token is not for {catalog.platform.name}"
    a_person = who.token.service is None and who.token.session is not None
    if who.token.service != who.service.name and not a_person:
        return "the token is neither the service's own nor that of a person who has signed in"
    return None


def _not_theirs(theirs: TokenIssuer, token: Token) -> str | None:
    """Why a token that the other platform's key has signed is not one of its client for itself, for us."""
    if token.realm is not None or token.issuer != theirs.issuer:
        return "the token is another issuer's"
    if theirs.audience not in ((token.audience,) if isinstance(token.audience, str) else token.audience or ()):
        return f"the token is not for {theirs.audience}"
    says = token.service if token.service is not None else token.client_id
    if token.session is not None or says != theirs.client:
        return f"the token is not one that {theirs.client} has got for itself"
    return None


def comes_from(address: str | None, allowed: Iterable[str]) -> bool:
    """Whether the address is one of those; an empty list is everywhere."""
    networks = [ip_network(one, strict=False) for one in allowed]
    return address is None or not networks or any(ip_address(address) in network for network in networks)
