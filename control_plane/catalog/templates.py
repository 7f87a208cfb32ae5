"""What a template says when what it extends is folded in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from control_plane.catalog.documents.platform import EnvironmentEntry
from control_plane.catalog.documents.realms import AttributeEntry, attribute_name
from control_plane.catalog.documents.templates import PlanEntry, RealmTemplateEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import Dormant, FirstPassword, MfaMode, People, ProfileAttribute, RealmBaseline

E = TypeVar("E", RealmTemplateEntry, PlanEntry, EnvironmentEntry)


def line_of(name: str, entries: Mapping[str, Located[E]]) -> list[Located[E]]:
    """The entry and what it extends, the nearest first; ends where the line is broken or turns back."""
    line: list[Located[E]] = []
    at: str | None = name
    while at is not None and at in entries and entries[at] not in line:
        line.append(entries[at])
        at = entries[at].value.extends
    return line


def given_by(field: str, name: str | None, entries: Mapping[str, Located[E]]) -> Located[E] | None:
    """The nearest entry that gives the field: this one, or one that it extends."""
    line = line_of(name, entries) if name else []
    return next((one for one in line if getattr(one.value, field) is not None), None)


def baseline(name: str, templates: Mapping[str, Located[RealmTemplateEntry]]) -> RealmBaseline:
    """The realm template with each key of each section that it does not give taken from what it extends."""
    line = line_of(name, templates)
    entries = [one.value for one in line]

    def section(field: str) -> dict[str, Any]:
        return _folded(getattr(entry, field) for entry in reversed(entries))

    def first(field: str, default: Any) -> Any:
        return next((value for entry in entries if (value := getattr(entry, field)) is not None), default)

    attributes, default_roles = first("attributes", ()), first("default_roles", None)
    mfa, events = section("mfa"), section("events")
    if mfa.get("required") == MfaMode.UNMANAGED:
        mfa = {"required": MfaMode.UNMANAGED}  # what a template above says of factors is nothing to a flow of others
    return RealmBaseline(
        template=name,
        mfa=MfaMode(mfa.get("required", MfaMode.EVERYONE)),
        factors=tuple(mfa.get("factors", ("totp",))),
        recovery_codes=mfa.get("recovery_codes", False),
        exemptions=mfa.get("exemptions", False),
        step_up=mfa.get("step_up"),
        password_policy=section("password"),
        brute_force=section("brute_force"),
        tokens=section("tokens"),
        login=section("login"),
        themes=section("themes"),
        headers=section("headers"),
        otp=section("otp"),
        passkey={name: tuple(one) if isinstance(one, list) else one for name, one in section("passkey").items()},
        clients=section("clients"),
        events_days=events.get("days", 365),
        event_types=tuple(events.get("types", ())),
        event_listeners=tuple(events["listeners"]) if "listeners" in events else None,
        locales=tuple(first("locales", ("ja", "en"))),
        ssl_required=first("ssl_required", "external"),
        attributes=tuple(map(attribute_name, attributes)),
        profile={one.name: _attribute(one) for one in attributes if isinstance(one, AttributeEntry)},
        sender=section("mail"),
        people=_people(section("people")),
        default_roles=None if default_roles is None else tuple(default_roles),
        origin=line[0].origin(),
    )


def _people(section: Mapping[str, Any]) -> People:
    first = FirstPassword(section.get("first_password", FirstPassword.NONE))
    dormant = Dormant(section.get("dormant", Dormant.REPORT))
    return People(**{**section, "first_password": first, "dormant": dormant})


def _attribute(one: AttributeEntry) -> ProfileAttribute:
    return ProfileAttribute(
        one.name,
        one.title or "",
        frozenset(one.view),
        frozenset(one.edit),
        one.required,
        one.min_length,
        one.max_length,
        one.pattern,
    )


def _folded(sections: Iterator[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in sections:
        if one is not None:
            found |= one.model_dump(exclude_none=True, by_alias=True)
    return dict(sorted(found.items()))


def plan_limits(name: str, plans: Mapping[str, Located[PlanEntry]]) -> dict[str, dict[str, int]]:
    """The plan's limit per level: each span that it does not give itself is taken from what it extends."""
    found: dict[str, dict[str, int]] = {}
    for one in reversed(line_of(name, plans)):
        for level, limit in one.value.levels.items():
            found[level] = found.get(level, {}) | limit.spans()
    return found


def environment(name: str, environments: Mapping[str, Located[EnvironmentEntry]]) -> dict[str, Any]:
    """The sections of the environment, each from itself or the nearest that it extends. A section is taken whole."""
    sections: dict[str, Any] = {}
    for one in line_of(name, environments):
        for field in ("keycloak", "kong", "secrets", "upstreams", "mail", "access_log", "metrics"):
            value = getattr(one.value, field)
            if value is not None:
                sections.setdefault(field, value)
    return sections
