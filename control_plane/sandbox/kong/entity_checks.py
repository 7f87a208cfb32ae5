"""Checks that look at several fields of an entity at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import BasicConstraints, ExtensionNotFound, load_pem_x509_certificate

from control_plane.sandbox.kong.errors import Errors
from control_plane.sandbox.kong.schema import Field, Schema, parsed
from control_plane.sandbox.kong.validate import error_in

Entity = Mapping[str, Any]
Checker = Callable[[Any, Schema, Entity, Errors, bool], str | None]  # also puts errors of single fields in place

_STREAM = "'tcp', 'tls', 'tls_passthrough' or 'udp'"


def check(schema: Schema, entity: Entity, errors: Errors, *, updating: bool) -> Errors:
    """The errors of single fields, with those of the entity as a whole added."""
    whole, wrong = [], set(errors)
    errors = dict(errors)
    for kind, argument in schema.checks:
        if kind == "custom_entity_check" and not wrong.isdisjoint(argument["field_sources"]):
            continue  # a field that is wrong in itself
        error = CHECKERS[kind](argument, schema, entity, errors, updating)
        if error:
            whole.append(error)
    return {**errors, "@entity": whole} if whole else errors


def value_at(record: Any, path: str) -> Any:
    """The value of `config.redis.host`; None if anything on the way is missing."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return record


def _filled_in(entity: Entity, names: list[str]) -> list[str]:
    return [name for name in names if value_at(entity, name) not in (None, "", [], {})]


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _at_least_one_of(names: list[str], _: Schema, entity: Entity, __: Errors, updating: bool) -> str | None:
    if _filled_in(entity, names):
        return None
    start = "when updating, at" if updating else "at"
    return f"{start} least one of these fields must be non-empty: {_quoted(names)}"


def _only_one_of(names: list[str], _: Schema, entity: Entity, __: Errors, ___: bool) -> str | None:
    if len(_filled_in(entity, names)) == 1:
        return None
    return f"exactly one of these fields must be non-empty: {_quoted(names)}"


def _mutually_required(names: list[str], _: Schema, entity: Entity, __: Errors, ___: bool) -> str | None:
    if len(_filled_in(entity, names)) in (0, len(names)):
        return None
    return f"all or none of these fields must be set: {_quoted(names)}"


def _distinct(names: list[str], _: Schema, entity: Entity, __: Errors, ___: bool) -> str | None:
    values = [value_at(entity, name) for name in _filled_in(entity, names)]
    return None if len(values) == len(set(values)) else f"values of these fields must be distinct: {_quoted(names)}"


def _conditional(rule: Any, schema: Schema, entity: Entity, errors: Errors, _: bool) -> str | None:
    if_value = value_at(entity, rule["if_field"])
    condition = _narrowed(schema.entity, rule["if_field"], rule["if_match"])
    if if_value is None or error_in(condition, if_value):
        return None
    then = _narrowed(schema.entity, rule["then_field"], rule["then_match"])
    error = error_in(then, value_at(entity, rule["then_field"]))
    if not error:
        return None
    _put(errors, rule["then_field"], error)
    return str(rule.get("then_err") or f"failed conditional validation given value of field '{rule['if_field']}'")


def _narrowed(record: Field, path: str, more: Mapping[str, Any]) -> Field:
    field = record
    for name in path.split("."):
        field = field.fields[name]
    return parsed({**field.raw, **more}, field.where)


def _put(errors: Errors, path: str, error: Any) -> None:
    *above, last = path.split(".")
    for name in above:
        inner = errors.get(name)
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        errors[name] = inner
        errors = inner
    errors[last] = error


def _in_lua(argument: Any, schema: Schema, entity: Entity, errors: Errors, updating: bool) -> str | None:
    """A check whose code Kong's schema does not show."""
    checker = IN_LUA.get((schema.name, argument["field_sources"][0]))
    return checker(entity, errors) if checker else None


def _route_matches_something(route: Entity, errors: Errors) -> str | None:
    """What a route must have, and may not have, by its protocols; and that its headers name values."""
    protocols = route["protocols"]
    if not {"tcp", "tls", "udp", "tls_passthrough"}.isdisjoint(protocols):
        for name in ("methods", "hosts", "headers", "paths"):
            if route.get(name):
                errors[name] = f"cannot set '{name}' when 'protocols' is {_STREAM}"
        if "tls_passthrough" in protocols:
            return _must_set(route, ["snis"], "'tls_passthrough'")
        return _must_set(route, ["sources", "destinations", "snis"], "'tcp', 'tls' or 'udp'")
    kind = "grpc" if not {"grpc", "grpcs"}.isdisjoint(protocols) else "http"
    for name in ("sources", "destinations"):
        if route.get(name):
            errors[name] = f"cannot set '{name}' when 'protocols' is '{kind}' or '{kind}s'"
    fields = ["hosts", "headers", "paths"] if kind == "grpc" else ["methods", "hosts", "headers", "paths"]
    secure = f"{kind}s" in protocols
    missing = _must_set(route, [*fields, "snis"] if secure else fields, f"'{kind}s'" if secure else f"'{kind}'")
    return missing or _headers_without_values(route)


def _must_set(route: Entity, names: list[str], protocols: str) -> str | None:
    if _filled_in(route, names):
        return None
    one_of = "" if len(names) == 1 else "one of "
    return f"must set {one_of}{_quoted(names)} when 'protocols' is {protocols}"


def _headers_without_values(route: Entity) -> str | None:
    """The router's expression for a header without values is `()`, and that is none."""
    if all((route.get("headers") or {"": ["any"]}).values()):
        return None
    return "Router Expression failed validation:  --> 1:2\n  |\n1 | ()\n  |  ^---\n  |\n  = expected term"


def _key_fits(certificate: Entity, _: Errors) -> str | None:
    """The words are those of Kong's sources; nothing of it was recorded."""
    shown = load_pem_x509_certificate(certificate["cert"].encode()).public_key()
    own = load_pem_private_key(certificate["key"].encode(), None).public_key()
    return None if shown == own else "certificate does not match key"


def _is_authority(authority: Entity, _: Errors) -> str | None:
    """As above."""
    if authority["cert"].count("-----BEGIN CERTIFICATE-----") > 1:
        return "please submit only one certificate at a time"
    shown = load_pem_x509_certificate(authority["cert"].encode())
    if shown.not_valid_after_utc < datetime.now(UTC):
        return 'certificate expired, "Not After" time is in the past'
    try:
        signs = shown.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        signs = False
    return None if signs else 'certificate does not appear to be a CA because it is missing the "CA" basic constraint'


CHECKERS: dict[str, Checker] = {
    "at_least_one_of": _at_least_one_of,
    "only_one_of": _only_one_of,
    "mutually_required": _mutually_required,
    "distinct": _distinct,
    "conditional": _conditional,
    "custom_entity_check": _in_lua,
}

IN_LUA: dict[tuple[str, str], Callable[[Entity, Errors], str | None]] = {
    ("routes", "id"): _route_matches_something,
    ("certificates", "cert"): _key_fits,
    ("ca_certificates", "cert"): _is_authority,
}
