"""Checks that Kong writes in Lua, so that its schemas do not show them; by schema and field.

Each takes the value (never None, and of the right type) and returns what is wrong, or None.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from control_plane.sandbox.kong.luasyntax import syntax_error
from control_plane.sandbox.kong.rules import is_regex

Check = Callable[[Any], str | None]

PERIODS = ("second", "minute", "hour", "day", "month", "year")
_RESERVED = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%\-]*")  # RFC 3986
_HEADER = re.compile(r"[A-Za-z0-9_-]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_PCRE = {  # how PCRE2 says what Python says otherwise
    "unterminated character set": "missing terminating ] for character class",
    "missing ), unterminated subpattern": "missing closing parenthesis",
    "unbalanced parenthesis": "unmatched closing parenthesis",
    "nothing to repeat": "quantifier does not follow a repeatable item",
}


def name(value: str) -> str | None:
    """Names of services, routes and plugin instances: letters of any script, and some ASCII signs."""
    if all(ord(sign) > 127 or sign.isalnum() or sign in ".-_~" for sign in value):
        return None
    return f"invalid value '{value}': the only accepted ascii characters are alphanumerics or ., -, _, and ~"


def tag(value: str) -> str | None:
    """Any text without comma, slash and control characters, for these mean something in a filter."""
    if all(sign >= " " and sign not in ",/\x7f" for sign in value):
        return None
    return f"invalid tag '{value}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"


def host(value: str) -> str | None:
    """A host name or an address, without a port."""
    if _is_address(value.strip("[]")) or _HOST.fullmatch(value):
        return None
    before, colon, port = value.rpartition(":")
    if colon and port.isdecimal() and _HOST.fullmatch(before):
        return "must not have a port"
    return f"invalid value: {value}"


def host_or_wildcard(value: str) -> str | None:
    """A host of a route: `*` may stand for its first or last label, and it may have a port."""
    plain = value.replace("*", "x")
    before, colon, port = plain.rpartition(":")
    if _HOST.fullmatch(plain) or _is_address(plain) or (colon and port.isdecimal() and _HOST.fullmatch(before)):
        return None
    return f"invalid hostname: {value}"


def path(value: str) -> str | None:
    """A path of a service."""
    if _RESERVED.fullmatch(value):
        return None
    return f"invalid path: '{value}' (characters outside of the reserved list of RFC 3986 found)"


def route_path(value: str) -> str | None:
    """A path of a route: `~` begins a regular expression, all else is a prefix that must be normalised."""
    if value.startswith("~"):
        return _regex_error(value[1:])
    broken = re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", value)
    if broken:
        return f"invalid url-encoded value: '{broken[0]}'"
    normal = _normalised(value)
    return None if normal == value else f"non-normalized path, consider use '{normal}' instead"


def upstream_name(value: str) -> str | None:
    """An upstream stands where a host name would."""
    return None if _HOST.fullmatch(value) else f"Invalid name ('{value}'); must be a valid hostname"


def target(value: str) -> str | None:
    """Host or address with a port."""
    before, colon, port = value.rpartition(":")
    named = before if colon and port.isdecimal() else value
    if _HOST.fullmatch(named) or _is_address(value) or _is_address(named.strip("[]")):
        return None
    return "Invalid target; not a valid hostname or ip address"


def public_key(value: str) -> str | None:
    """A PEM public key of any kind; a certificate is none."""
    try:
        load_pem_public_key(value.encode())
    except Exception:  # the library's errors are of many kinds, and all mean the same here
        return "invalid key"
    return None


def private_key(value: str) -> str | None:
    """A PEM private key without a password."""
    try:
        load_pem_private_key(value.encode(), None)
    except Exception:  # as above
        return "invalid key"
    return None


def certificate(value: str) -> str | None:
    """A PEM certificate."""
    try:
        load_pem_x509_certificate(value.encode())
    except Exception:  # as above
        return "invalid certificate"
    return None


def header_name(value: str) -> str | None:
    """The name of a header in which a key is looked for."""
    if _HEADER.fullmatch(value):
        return None
    return f"bad header name '{value}', allowed characters are A-Z, a-z, 0-9, '_', and '-'"


def header_and_value(value: str) -> str | None:
    """`name:value` of the transformers."""
    header = value.partition(":")[0]
    return None if _HEADER.fullmatch(header) else f"'{header}' is not a valid header"


def address_or_network(value: str) -> str | None:
    """An address or a CIDR block, version 4 or 6."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f"invalid ip or cidr range: '{value}'"
    return None


def origin(value: str) -> str | None:
    """An origin of CORS: `*`, or a regular expression."""
    return None if value == "*" or is_regex(value) else f"'{value}' is not a valid regex"


def url(value: str) -> str | None:
    """An absolute URL."""
    try:
        return None if urlsplit(value).hostname else "missing host in url"
    except ValueError as error:
        return str(error)


def function(plugin: str) -> Check:
    """Lua of a serverless function; only the syntax is looked at."""

    def check(value: str) -> str | None:
        error = syntax_error(value)
        return error and f"error parsing {plugin}: {error}"

    return check


def log_fields(value: dict[str, str]) -> str | None:
    """The functions of custom_fields_by_lua."""
    errors = (syntax_error(value[key]) for key in sorted(value))
    return next((f"Error parsing function: kong-lua-sandbox.lua:144: {error}" for error in errors if error), None)


def limits(config: dict[str, Any]) -> str | None:
    """A longer window of rate-limiting may not allow less than a shorter one."""
    given = [(period, config[period]) for period in PERIODS if config.get(period) is not None]
    for position, (longer, most) in enumerate(given):
        for shorter, least in given[:position]:
            if most < least:
                return f"The limit for {longer}({most:.1f}) cannot be lower than the limit for {shorter}({least:.1f})"
    return None


def termination(config: dict[str, Any]) -> str | None:
    """request-termination answers with a message or with a body of its own."""
    if config.get("message") and (config.get("content_type") or config.get("body")):
        return "message cannot be used with content_type or body"
    return "content_type requires a body" if config.get("content_type") and not config.get("body") else None


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _normalised(value: str) -> str:
    """Escapes decoded but for reserved signs (RFC 3986, section 2.2), dot segments and double slashes resolved."""
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", _unescaped, value.encode("utf-8", "surrogatepass"))
    text = raw.decode("utf-8", "replace")
    clean = posixpath.normpath(text)
    return clean + "/" if clean != "/" and text.endswith(("/", "/.", "/..")) else clean


def _unescaped(found: re.Match[bytes]) -> bytes:
    sign = bytes.fromhex(found[1].decode())
    return found[0].upper() if sign in b"!*'();:@&=+$,/?#[]%" else sign


def _regex_error(pattern: str) -> str | None:
    if is_regex(pattern):
        return None
    try:
        re.compile(pattern)
        reason = "unsupported syntax"
    except (re.error, OverflowError, RecursionError) as error:
        said = getattr(error, "msg", "regular expression is too large")
        reason = next((text for start, text in _PCRE.items() if said.startswith(start)), said)
    return f"invalid regex: '{pattern}' (PCRE returned: pcre2_compile() failed: {reason} in \"{pattern}\")"


_PHASES = ("certificate", "rewrite", "access", "header_filter", "body_filter", "log")
_TRANSFORMS = ("rename", "replace", "add", "append")

CHECKS: dict[str, Check] = {  # `[]` is each element of a list
    "services.name": name,
    "services.host": host,
    "services.path": path,
    "routes.name": name,
    "routes.paths[]": route_path,
    "routes.hosts[]": host_or_wildcard,
    "routes.snis[]": host_or_wildcard,
    "snis.name": host_or_wildcard,
    "plugins.instance_name": name,
    "upstreams.name": upstream_name,
    "upstreams.host_header": host,
    "targets.target": target,
    "jwt_secrets.rsa_public_key": public_key,
    "certificates.cert": certificate,
    "ca_certificates.cert": certificate,
    "certificates.cert_alt": certificate,
    "certificates.key": private_key,
    "certificates.key_alt": private_key,
    "plugin-key-auth.config.key_names[]": header_name,
    "plugin-ip-restriction.config.allow[]": address_or_network,
    "plugin-ip-restriction.config.deny[]": address_or_network,
    "plugin-cors.config.origins[]": origin,
    "plugin-http-log.config.http_endpoint": url,
    "plugin-http-log.config.custom_fields_by_lua": log_fields,
    "plugin-file-log.config.custom_fields_by_lua": log_fields,
    "plugin-rate-limiting.config": limits,
    "plugin-request-termination.config": termination,
    **{
        f"plugin-{kind}-transformer.config.{what}.headers[]": header_and_value
        for kind in ("request", "response")
        for what in _TRANSFORMS
    },
    **{
        f"plugin-{which}-function.config.{phase}[]": function(f"{which}-function")
        for which in ("pre", "post")
        for phase in _PHASES
    },
}


def check_for(where: str) -> Check | None:
    """The check of the field `schema.field.field[]`, if Kong has one that its schema does not show."""
    return tag if where.endswith(".tags[]") else CHECKS.get(where)
