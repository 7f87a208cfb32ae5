"""The words of the language: what one value may be, as types for the documents.

Text comes in as text (origins never guesses a date or an octal number); each type here reads it, or says in one
sentence what it is not. A pattern has its sentence in PATTERNS, so that it is checked by pydantic's core and stands in
the JSON Schema too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches
from itertools import accumulate
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, WithJsonSchema
from pydantic_core import PydanticCustomError

from control_plane.catalog.model import SecretRef

ID = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
SERVICE = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
VERSION = r"^v[0-9]+(\.[0-9]+)*$"
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"  # also those that turn the direction of writing
TEXT = rf"^[^{_CONTROL}]*[^{_CONTROL} \u3000][^{_CONTROL}]*$"
USERNAME = r"^[a-z0-9][a-z0-9._-]{2,254}$"
EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
PATH = r"^(/[A-Za-z0-9._~-]+)+$"
QUERY_FIELD = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
VALUE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
LEVEL_PATH = r"^(/([A-Za-z0-9._~-]+|\*))+$"
UPSTREAM_PATH = r"^/$|^(/[A-Za-z0-9._~-]+)+/?$"
FIWARE_SERVICE = r"^[a-z0-9_]{1,50}$"
FIWARE_PATH = r"^/#?$|^(/[A-Za-z0-9_]{1,50}){1,10}(/#)?$"
GROUP_PATH = rf"^(/[^/{_CONTROL}]+)+$"
ATTRIBUTE = r"^[a-z][A-Za-z0-9_-]{0,63}$"
LOCALE = r"^[a-z]{2}(-[A-Z]{2})?$"
WEB_ORIGIN = r"^(\*|https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?)$"
HEADER = r"^[A-Za-z][A-Za-z0-9-]{0,63}$"
FILE = r"^(/[A-Za-z0-9._-]+)+$"
HEADER_VALUE = r"^[!-~]([ -~]*[!-~])?$"
TRANSPORT_SECURITY = r"^max-age=[0-9]{1,10}(; includeSubDomains)?(; preload)?$"
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
DOMAIN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
OAUTH_SCOPE = r"^[A-Za-z][A-Za-z0-9_.:/-]{0,99}$"
CLIENT = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
AUDIENCE = r"^[A-Za-z0-9][A-Za-z0-9._~:/-]{0,254}$"
ISSUER = r"https?://[A-Za-z0-9][A-Za-z0-9._~:/-]*"
VARIABLE = r"^[A-Z][A-Z0-9_]{0,99}$"

PATTERNS = {
    ID: "an id has lower-case letters, digits and '-' (not at its ends), at most 63 characters",
    SERVICE: "a service is named by its id, or as TENANT.SERVICE where it was another tenant's",
    VERSION: "a version is 'v' and numbers: v2, v2.1",
    TEXT: "a text is expected, without line breaks and control characters",
    USERNAME: "a username has lower-case letters, digits and '.', '_', '-', and at least 3 characters",
    EMAIL: "an e-mail address is like name@example.jp",
    PATH: "a path begins with '/' and does not end with it; letters, digits and '.', '_', '~', '-'",
    QUERY_FIELD: "a field of a query begins with a letter; letters, digits, '_', '-'",
    VALUE: "a value begins with a letter or a digit; letters, digits and '.', '_', '-'",
    LEVEL_PATH: "a path of a level is like /admin or /entities/*/history; '*' is one whole segment",
    UPSTREAM_PATH: "a path begins with '/'; letters, digits and '.', '_', '~', '-'",
    FIWARE_SERVICE: "a Fiware-Service has lower-case letters, digits and '_', at most 50 characters",
    FIWARE_PATH: "a Fiware-ServicePath is like /road, or /road/# for all below it; letters, digits and '_'",
    GROUP_PATH: "a path of groups is like /digital or /offices/digital; '%2F' is a '/' in a name",
    ATTRIBUTE: "the name of an attribute begins with a lower-case letter; letters, digits, '_', '-'",
    LOCALE: "a locale is like ja or pt-BR",
    WEB_ORIGIN: "an origin is like https://portal.example.jp, in lower case and without a path; '*' is every origin",
    HEADER: "the name of a header begins with a letter; letters, digits and '-'",
    HEADER_VALUE: "the value of a header has printable ASCII characters, and none but these",
    TRANSPORT_SECURITY: "it is written like max-age=31536000; includeSubDomains",
    FILE_NAME: "a name of what is installed at the server has letters, digits and '.', '_', '-'",
    OAUTH_SCOPE: "a scope of OAuth begins with a letter; letters, digits and '_', '.', ':', '/', '-'",
    CLIENT: "a client has letters, digits and '.', '_', '-'",
    AUDIENCE: "an audience has letters, digits and '.', '_', '~', '-', ':', '/'",
    HOST: "a host is a name or an IPv4 address, like redis.internal.example.jp",
    FILE: "a file on the node is named from '/' on; letters, digits and '.', '_', '-'",
}
"""What a value that misses its pattern is told."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LAST_YEAR = 9990  # so that a day can be added, in any zone
LONGEST = 10 * 365 * 86400
T = TypeVar("T")


def wrong(sentence: str, help: str | None = None, **context: Any) -> PydanticCustomError:
    """A problem in our own words; `help` may be pasted."""
    return PydanticCustomError("renkei", "{sentence}", {"sentence": sentence, "help": help, **context})


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise wrong(f"{what} is expected")
    return value


def read_date(value: Any) -> date:
    text = _text(value, "a date, like 2027-03-31,")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise wrong("a date is written YYYY-MM-DD", _as_date(text))
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise wrong("there is no such day in the calendar") from None
    if not 1970 <= day.year <= LAST_YEAR:
        raise wrong(f"a date is between 1970 and {LAST_YEAR}", "leave it out for no end")
    return day


def read_moment(value: Any) -> date | datetime:
    """A date (a whole day) or an instant with its offset."""
    text = _text(value, "a date, like 2027-03-31,")
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]", text, re.ASCII):
        return read_date(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise wrong("an instant is written like 2026-04-01T09:00:00+09:00") from None
    if instant.tzinfo is None:
        raise wrong("an instant needs its offset", f"{text}+09:00")
    if not instant.timestamp().is_integer():
        raise wrong("an instant is to the second", instant.replace(microsecond=0).isoformat())
    if not 1970 <= instant.year <= LAST_YEAR:
        raise wrong(f"an instant is between 1970 and {LAST_YEAR}", "leave it out for no end")
    return instant


def _as_date(text: str) -> str | None:
    found = re.fullmatch(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})", text, re.ASCII)
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else None


def read_duration(value: Any) -> int:
    """Seconds."""
    if isinstance(value, str) and (found := re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", value, re.ASCII)):
        value = int(found[1]) * UNITS[found[2]]
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong("a duration is a number with s, m, h or d (90s, 30m, 10h, 7d), or seconds")
    if not 1 <= value <= LONGEST:
        raise wrong("a duration is at least 1 second and at most 10 years")
    return value


def read_address(value: str) -> str:
    """An address or a network; host bits must be zero."""
    try:
        if "/" in value:
            ipaddress.ip_network(value)
        else:
            ipaddress.ip_address(value)
    except ValueError:
        raise wrong("this is not an IP address or a network (203.0.113.0/24)", _as_network(value)) from None
    return value


def read_proxy(value: str) -> str:
    """An address or a network whose word is taken: never everybody's."""
    if ipaddress.ip_network(read_address(value)).prefixlen == 0:
        raise wrong("this is everybody: whoever calls could say that he comes from anywhere", "name the load balancers")
    return value


def _as_network(text: str) -> str | None:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def read_variable(value: str) -> str:
    """The message does not quote it: somebody may have written what the variable holds."""
    if not re.fullmatch(VARIABLE, value, re.ASCII):
        raise wrong("the name of an environment variable has capital letters, digits and '_': REDIS_PASSWORD")
    return value


def read_url(value: str) -> str:
    parts = _url(value)
    if parts.query or parts.fragment:
        raise wrong("this URL must not have a query or a fragment")
    return value.rstrip("/")


def read_link(value: str) -> str:
    """A URL for people: a query and a fragment are allowed."""
    _url(value)
    return value


def read_redirect(value: str) -> str:
    """Where a login may return to: exact, and https except on the loopback (RFC 8252, 7.3)."""
    if "*" in value:
        raise wrong("a redirect URI is exact: '*' would send logins to addresses that nobody chose")
    parts = _url(value)
    if parts.fragment or value.endswith("#"):
        raise wrong("a redirect URI has no fragment (RFC 6749, 3.1.2)")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise wrong("a redirect URI is https, except on the loopback", "https" + value[4:])
    return value


def read_keys_url(value: str) -> str:
    """Whoever can answer in its place is the service: https, except on the loopback."""
    return _by_tls(value, "keys are fetched by https, except on the loopback")


def read_secure_url(value: str) -> str:
    """Whoever can answer in its place signs people in: https, except on the loopback. Kept to the letter."""
    return _by_tls(value, "people are signed in by https, except on the loopback")


def _by_tls(value: str, rule: str) -> str:
    parts = urlsplit(read_link(value))
    if parts.fragment:
        raise wrong("this URL must not have a fragment")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise wrong(rule, "https" + value[4:])
    return value


def read_issuer(value: str) -> str:
    """What tokens name as their issuer, to the letter: https, except on the loopback."""
    parts = _url(value)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise wrong("an issuer is named by https, except on the loopback", "https" + value[4:])
    if not re.fullmatch(ISSUER, value, re.ASCII):
        raise wrong("an issuer is a URL of letters, digits and '.', '_', '~', '-', '/', ':'")
    return value


def read_ldap_url(value: str) -> str:
    """Passwords go there: by TLS, except on the loopback. Scheme, host and port, no more."""
    parts = urlsplit(value)
    try:
        fine = parts.scheme in ("ldap", "ldaps") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        fine = False
    if not fine:
        raise wrong("this is no address of a directory", "ldaps://directory.example.jp:636")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise wrong("the address of a directory is scheme, host and port", f"{parts.scheme}://{parts.hostname}")
    if parts.scheme == "ldap" and parts.hostname not in LOOPBACK:
        raise wrong("passwords go to a directory by TLS, except on the loopback", "ldaps" + value[4:])
    return value


def read_ldap_filter(value: str) -> str:
    """As RFC 4515 writes it, in parentheses that close."""
    depths = list(accumulate({"(": 1, ")": -1}.get(one, 0) for one in value))
    if not value or depths[-1] != 0 or min(depths[:-1], default=0) < 1:
        raise wrong("a filter stands in parentheses that close", "(memberOf=cn=platform,ou=groups,dc=example,dc=jp)")
    return value


def read_sector_url(value: str) -> str:
    """Whoever can answer in its place decides which addresses share one id: https, except on the loopback."""
    parts = urlsplit(read_link(value))
    if parts.fragment:
        raise wrong("this URL must not have a fragment")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise wrong("the list of addresses is fetched by https, except on the loopback", "https" + value[4:])
    return value


def _url(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise wrong("this is not a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise wrong("a URL begins with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise wrong("a URL must not carry a user's name or password", "name secrets with !secret path#field")
    if not re.fullmatch(r"[!-~]+", value, re.ASCII):
        raise wrong("a URL has no blanks and no characters beyond ASCII")
    return parts


def _verify(value: Any) -> Any:
    if not isinstance(value, bool) and not (isinstance(value, str) and value):
        raise wrong("true, false or the path of a CA bundle is expected")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong("this is no time zone of the IANA database", nearest(value, available_timezones())) from None
    return value


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant."""
    found = get_close_matches(word, sorted(words), 1, 0.61)
    return f"did you mean '{found[0]}'?" if found else None


def _auth(value: Any) -> Any:
    if value == "none":
        return []
    if value == []:
        raise wrong("an empty list; for an API that is open to all write it out", "auth: none")
    return value


def _each_once(values: list[T]) -> list[T]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise wrong(f"'{value}' stands twice in this list", index=index)
    return values


def _dots(value: str) -> str:
    if any(segment in (".", "..") for segment in value.split("/")):
        raise wrong("a path has no '.' or '..' segments")
    return value


def _plain_origin(value: str) -> str:
    """An origin that cannot be forged on the way: https, except on the loopback."""
    if value.startswith("http://") and urlsplit(value).hostname not in ("localhost", "127.0.0.1"):
        raise wrong("an origin is https, except on the loopback", "https" + value[4:])
    return value


def _text_schema(**more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **more})


Id = Annotated[str, Field(pattern=ID)]
ServiceName = Annotated[str, Field(pattern=SERVICE)]
VersionId = Annotated[str, Field(pattern=VERSION)]
Text = Annotated[str, Field(pattern=TEXT, max_length=255)]
Description = Annotated[str, Field(max_length=4000)]
Username = Annotated[str, Field(pattern=USERNAME)]
Email = Annotated[str, Field(pattern=EMAIL, max_length=254)]
PathPrefix = Annotated[str, Field(pattern=PATH, max_length=255), AfterValidator(_dots)]
QueryField = Annotated[str, Field(pattern=QUERY_FIELD)]
QueryValue = Annotated[str, Field(pattern=VALUE)]
LevelPath = Annotated[str, Field(pattern=LEVEL_PATH, max_length=255), AfterValidator(_dots)]
UpstreamPath = Annotated[str, Field(pattern=UPSTREAM_PATH, max_length=255), AfterValidator(_dots)]
FiwareService = Annotated[str, Field(pattern=FIWARE_SERVICE)]
FiwarePath = Annotated[str, Field(pattern=FIWARE_PATH)]
GroupPath = Annotated[str, Field(pattern=GROUP_PATH, max_length=255)]
AttributeName = Annotated[str, Field(pattern=ATTRIBUTE)]
Locale = Annotated[str, Field(pattern=LOCALE)]
WebOrigin = Annotated[str, Field(pattern=WEB_ORIGIN, max_length=255), AfterValidator(_plain_origin)]
HeaderName = Annotated[str, Field(pattern=HEADER)]
Header = Annotated[str, Field(pattern=HEADER_VALUE, max_length=2000)]
TransportSecurity = Annotated[str, Field(pattern=TRANSPORT_SECURITY)]
FileName = Annotated[str, Field(pattern=FILE_NAME)]
FileOnNode = Annotated[str, Field(pattern=FILE, max_length=255), AfterValidator(_dots)]
Domain = Annotated[str, Field(pattern=DOMAIN, max_length=253)]
OAuthScope = Annotated[str, Field(pattern=OAUTH_SCOPE)]
Host = Annotated[str, Field(pattern=HOST)]
Variable = Annotated[str, AfterValidator(read_variable), _text_schema(pattern=VARIABLE)]
Count = Annotated[int, Field(ge=1, le=2_000_000_000)]
Address = Annotated[str, AfterValidator(read_address)]
Proxy = Annotated[str, AfterValidator(read_proxy)]
Url = Annotated[str, AfterValidator(read_url), _text_schema(format="uri", pattern="^https?://")]
KeysUrl = Annotated[str, AfterValidator(read_keys_url), _text_schema(format="uri", pattern="^https?://")]
Issuer = Annotated[str, Field(max_length=255), AfterValidator(read_issuer), _text_schema(pattern="^https?://")]
ClientId = Annotated[str, Field(pattern=CLIENT)]
Audience = Annotated[str, Field(pattern=AUDIENCE)]
SectorUrl = Annotated[str, AfterValidator(read_sector_url), _text_schema(format="uri", pattern="^https?://")]
SecureUrl = Annotated[str, AfterValidator(read_secure_url), _text_schema(format="uri", pattern="^https?://")]
LdapUrl = Annotated[str, AfterValidator(read_ldap_url), _text_schema(format="uri", pattern="^ldaps?://")]
LdapFilter = Annotated[str, AfterValidator(read_ldap_filter), _text_schema(pattern=r"^\(.+\)$")]
Link = Annotated[str, AfterValidator(read_link), _text_schema(format="uri", pattern="^https?://")]
RedirectUri = Annotated[str, AfterValidator(read_redirect), _text_schema(format="uri", pattern="^https?://[^*]+$")]
Day = Annotated[date, BeforeValidator(read_date), _text_schema(format="date")]
Moment = Annotated[
    date | datetime,
    BeforeValidator(read_moment),
    _text_schema(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+([+-][0-9]{2}:[0-9]{2}|Z))?$"),
]
Duration = Annotated[
    int,
    BeforeValidator(read_duration),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": "^[1-9][0-9]*[smhd]$"}, {"type": "integer", "minimum": 1}]}
    ),
]
Secret = Annotated[InstanceOf[SecretRef], _text_schema(pattern="^[^#]+#[^#]+$", description="!secret path#field")]
Verify = Annotated[bool | str, BeforeValidator(_verify), WithJsonSchema({"type": ["boolean", "string"]})]
Zone = Annotated[str, AfterValidator(_zone)]
EachOnce = AfterValidator(_each_once)
AuthOrNone = Annotated[
    list[Literal["api-key", "token"]],
    EachOnce,
    BeforeValidator(_auth),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "none"},
                {"type": "array", "items": {"enum": ["api-key", "token"]}, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]
