"""JSON Schema (2020-12) of the files, for editors, from the same models that the loader uses."""

from __future__ import annotations

from typing import Any

from control_plane.catalog.documents import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """One schema per kind of file, by the kind's name: renkei, roles, api, tenant, templates."""
    return {kind.name: _schema(kind.model.model_json_schema(mode="validation"), kind.title) for kind in KINDS}


def _schema(made: dict[str, Any], title: str) -> dict[str, Any]:
    clean: dict[str, Any] = _clean(made)
    return {"$schema": DIALECT, **clean, "title": title}


def _clean(value: Any) -> Any:
    """Without what the language does not have: nothing as a value, and names that a machine made up."""
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _clean_member(key, inner) for key, inner in value.items() if not _noise(key, inner)}
    choices = [one for one in found.get("anyOf", []) if one != {"type": "null"}]
    if len(choices) == 1:
        del found["anyOf"]
        found = {**choices[0], **found}
    elif choices:
        found["anyOf"] = choices
    if found.get("type") == "array" and "$ref" not in found.get("items", {}):
        found["uniqueItems"] = True
    return found


def _clean_member(key: str, inner: Any) -> Any:
    if key in ("properties", "$defs"):
        return {name: _clean(one) for name, one in inner.items()}
    return _clean(inner)


def _noise(key: str, inner: Any) -> bool:
    return (key == "title" and isinstance(inner, str)) or (key == "default" and inner is None)
