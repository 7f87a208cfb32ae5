"""The settings of a realm as a template of ours. What is left out of it, because the language has no such value, stays
undeclared, and so as it is; where a realm of ours has it in one way only, the plan shows what changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from control_plane.catalog.checks.templates import NEEDS, NOT_LONGER
from control_plane.catalog.documents.templates import RealmTemplateEntry
from control_plane.engine.values import Fields, Value
from control_plane.keycloak import baseline
from control_plane.keycloak.answers import Json
from control_plane.keycloak.profiles import representation

LEAST_LENGTH = 8  # of a password, in the language: a lower rule becomes this one
OF_KEYCLOAK = frozenset({"username", "email", "firstName", "lastName"})
CHOSEN_BY_KEYCLOAK = frozenset({"offline_access", "uma_authorization"})
MAILS = ("reset_password", "verify_email")


def template(name: str, found: Json, fields: Fields, defaults: frozenset[str], profile: list[Json]) -> dict[str, Any]:
    """`found` is Keycloak's representation, `fields` what a plan compares of it."""
    sections = {
        "mfa": {"required": "unmanaged"},
        "password": dict(_password(fields)),
        "brute_force": _named(baseline.BRUTE_FORCE, fields) if fields.get("bruteForceProtected") is True else {},
        "tokens": _tokens(fields),
        "login": _named(baseline.LOGIN, fields),
        "themes": _named(baseline.THEMES, fields),
        "headers": _named(baseline.HEADERS, _mapping(fields.get("browserSecurityHeaders"))),
        "otp": _named(baseline.OTP, fields),
        "events": _events(fields),
        "mail": _sender(found.get("smtpServer") or {}),
    }
    said = {section: _valid(section, values) for section, values in sections.items()}
    _consistent(said)
    more: dict[str, Any] = {"locales": _locales(found), "ssl_required": fields.get("sslRequired")}
    if defaults != CHOSEN_BY_KEYCLOAK:
        more["default_roles"] = sorted(defaults & CHOSEN_BY_KEYCLOAK)
    if attributes := [one for one in map(_attribute, profile) if one]:
        more["attributes"] = attributes
    more = {word: value for word, value in more.items() if _is_valid({word: value})}
    return {"template": name, **{section: values for section, values in said.items() if values}, **more}


def _is_valid(words: Mapping[str, Any]) -> bool:
    try:
        RealmTemplateEntry.model_validate({"template": "x", **words})
    except ValidationError:
        return False
    return True


def _valid(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those words of the section that may hold what is there, taken one by one."""
    return {word: value for word, value in values.items() if _is_valid({section: {word: value}})}


def _consistent(said: dict[str, dict[str, Any]]) -> None:
    """Leave out what `validate` would call contradictory or without effect: Keycloak lets it stand."""
    for section, small, large in NOT_LONGER:
        less, more = said.get(section, {}).get(small), said.get(section, {}).get(large)
        if less is not None and more is not None and less > more:
            del said[section][small]
    for section, word, other, switch in NEEDS:
        if said.get(other, {}).get(switch) is not True:
            said.get(section, {}).pop(word, None)
    if "from" not in said["mail"]:
        said["mail"] = {}
        for word in MAILS:
            if said["login"].get(word):
                del said["login"][word]


def _named(names: Mapping[str, str], fields: Mapping[str, Value]) -> dict[str, Any]:
    """Our words for Keycloak's; constants in small letters."""
    found = {word: fields.get(name) for word, name in names.items()}
    return {
        word: value.lower() if isinstance(value, str) and value.isupper() and names is baseline.BRUTE_FORCE else value
        for word, value in found.items()
        if value is not None and value != ""
    }


def _password(fields: Fields) -> Iterator[tuple[str, Any]]:
    words = {name: word for word, name in baseline.PASSWORD.items()}
    policy = fields.get("passwordPolicy")
    for one in sorted(map(str, policy if isinstance(policy, frozenset) else ())):
        name, _, value = one.removesuffix(")").partition("(")
        if name in words:
            number = int(value) if value.isdecimal() else value
            if name == "length" and isinstance(number, int):
                number = max(number, LEAST_LENGTH)
            yield words[name], True if value == "" else number


def _tokens(fields: Fields) -> dict[str, Any]:
    found = _named(baseline.TOKENS, fields)
    if fields.get("offlineSessionMaxLifespanEnabled") is not True:
        found.pop("offline_max", None)
    return found


def _events(fields: Fields) -> dict[str, Any]:
    seconds, types = fields.get("eventsExpiration"), fields.get("enabledEventTypes")
    listeners = fields.get("eventsListeners")
    found: dict[str, Any] = {}
    if isinstance(seconds, int) and seconds and seconds % baseline.DAY == 0:
        found["days"] = seconds // baseline.DAY
    if isinstance(types, frozenset) and types:
        found["types"] = sorted(map(str, types))
    if isinstance(listeners, frozenset):
        found["listeners"] = sorted(map(str, listeners))
    return found


def _sender(smtp: Json) -> dict[str, Any]:
    names = {"from": "from", "name": "fromDisplayName", "reply_to": "replyTo"}
    return {word: smtp[name] for word, name in names.items() if smtp.get(name)}


def _locales(found: Json) -> list[str]:
    """The default first; where the realm speaks one language only, that one."""
    if found.get("internationalizationEnabled") is not True:
        return ["en"]
    first = str(found.get("defaultLocale") or "en")
    return [first, *sorted(str(one) for one in found.get("supportedLocales") or () if one != first)]


def _attribute(one: Json) -> Any:
    """An attribute of people, where our words write it back as it is: by its name alone, or with what it says."""
    name = str(one.get("name"))
    if name in OF_KEYCLOAK or name.startswith("renkei"):
        return None
    permissions, rules = one.get("permissions") or {}, one.get("validations") or {}
    length = rules.get("length") or {}
    entry = {
        "name": name,
        "title": one.get("displayName"),
        "view": sorted(permissions.get("view") or ()),
        "edit": sorted(permissions.get("edit") or ()),
        "required": one.get("required") is not None,
        "min_length": _number(length.get("min")),
        "max_length": _number(length.get("max")),
        "pattern": (rules.get("pattern") or {}).get("pattern"),
    }
    entry = {word: value for word, value in entry.items() if value is not None and value is not False}
    if not _is_valid({"attributes": [entry]}) or _plain(representation(name, _wanted(entry))) != _plain(one):
        return None
    alone = entry.keys() <= {"name", "title", "view", "edit"} and entry.get("title") in (None, name)
    return name if alone and entry["view"] == entry["edit"] == ["admin"] else entry


def _wanted(entry: Mapping[str, Any]) -> Fields:
    sides = {side: frozenset(entry[side]) for side in ("view", "edit")}
    empty = {"title": None, "min_length": None, "max_length": None, "pattern": None, "required": False}
    return {**empty, **{word: value for word, value in entry.items() if word in empty}, **sides}


def _plain(one: Json) -> Json:
    """What of an attribute counts: Keycloak shows empty parts, or does not."""
    kept = {name: value for name, value in one.items() if value not in (None, {}, [], False, "")}
    permissions = {side: sorted(who) for side, who in (one.get("permissions") or {}).items()}
    rules = one.get("validations") or {}
    texts = {name: {word: str(value) for word, value in rule.items()} for name, rule in rules.items()}
    kept.setdefault("displayName", one.get("name"))
    return kept | {"permissions": permissions} | ({"validations": texts} if texts else {})


def _number(found: object) -> int | None:
    return int(found) if isinstance(found, int | str) and str(found).isdecimal() else None


def _mapping(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {}
