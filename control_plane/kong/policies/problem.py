"""An answer that the gateway gives itself, as problem details (RFC 9457)."""

from __future__ import annotations

import json


def terminated(status: int, title: str, detail: str, **more: str | None) -> dict[str, object]:
    """The configuration of a request-termination; `more` are extension members, those that are None are left out."""
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    given = {name: value for name, value in more.items() if value is not None}
    return {
        "status_code": status,
        "content_type": "application/problem+json; charset=utf-8",
        "body": json.dumps({**problem, **given}, ensure_ascii=False),
        "message": None,
        "echo": False,
        "trigger": None,
    }
