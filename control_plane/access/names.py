"""Words of the command line as names of the catalog; an unknown one is an error that says what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import quote

from control_plane.access import paths
from control_plane.access.requests import Request
from control_plane.catalog.model import Api, Catalog, Level, Service, Version
from control_plane.catalog.words import nearest
from control_plane.problems import ConfigurationError, Problem

SIGNS = "!#$%&'()*+,/:;=?@[]~\\"  # what stays as it is written; the rest of a path is sent in UTF-8 and escaped


def service_of(catalog: Catalog, name: str) -> Service:
    """By its full name TENANT.SERVICE."""
    found = {service.name: service for service in catalog.services()}
    if name not in found:
        raise _unknown("service", name, found, "A service is named TENANT.SERVICE.")
    return found[name]


def api_of(catalog: Catalog, name: str) -> tuple[Api, tuple[Version, ...]]:
    """API or API.VERSION: the API, and the version that is named or all of them."""
    short, _, version = name.partition(".")
    if short not in catalog.apis:
        raise _unknown("API", short, catalog.apis)
    api = catalog.apis[short]
    versions = {one.name: one for one in api.versions}
    if version and version not in versions:
        raise _unknown(f"version of {short}", version, versions)
    return api, (versions[version],) if version else api.versions


def level_of(api: Api, name: str) -> Level:
    found = {level.name: level for level in api.levels}
    if name not in found:
        raise _unknown(f"level of {api.name}", name, found)
    return found[name]


def scope_of(catalog: Catalog, name: str) -> str:
    if name not in catalog.scopes:
        raise _unknown("data scope", name, catalog.scopes)
    return name


def roles_of(catalog: Catalog, service: Service, names: Iterable[str]) -> tuple[str, ...]:
    """Roles of a person who has signed in through the service; somebody must be able to."""
    roles = tuple(names)
    for name in roles:
        if name not in catalog.roles:
            raise _unknown("role", name, catalog.roles)
    if roles and not service.redirect_uris:
        help = "leave --role out, or say where a login returns to: redirect_uris: [https://…]"
        raise ConfigurationError(Problem(f"nobody signs in through {service.name}", service.origin, help=help))
    return roles


def address_of(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ConfigurationError(Problem(f"'{text}' is no address", help="one address: --from 203.0.113.7")) from None


def requests(template: Request, api: Api, versions: Iterable[Version], path: str) -> list[tuple[Version, Request]]:
    """The request for each version. A path that begins with the public path of a version of this API is a whole one."""
    if not path.startswith("/"):
        raise ConfigurationError(Problem(f"the path '{path}' does not begin with '/'", help=f"/{path}"))
    path = quote(path.partition("#")[0], safe=SIGNS)
    versions = tuple(versions)
    public = [(one.path, one) for one in api.versions]
    if api.default:
        public.append((api.default.path, api.version(api.default.version)))
    holding = [(len(prefix), one) for prefix, one in public if paths.below(path.partition("?")[0], prefix)]
    whole = max(holding, key=lambda found: found[0], default=(0, None))[1]
    if whole is None:
        return [(version, replace(template, path=version.path.rstrip("/") + path)) for version in versions]
    if whole not in versions:
        names = ", ".join(version.name for version in versions)
        note = f"{whole.path} is the public path of {whole.name}."
        raise ConfigurationError(Problem(f"this path is not one of {api.name} {names}", whole.origin, note))
    return [(whole, replace(template, path=path))]


def _unknown(what: str, name: str, known: Iterable[str], note: str | None = None) -> ConfigurationError:
    names = sorted(known)
    listed = f"There are {', '.join(names)}." if len(names) <= 12 else note
    return ConfigurationError(Problem(f"there is no {what} '{name}'", note=listed, help=nearest(name, names)))
