"""What callers are told when the gateway itself refuses or fails: problem.lua, joined to the guard's post-function.

A post-function's header_filter runs also after another plugin has answered (contract: proxy-functions), so one text
shapes the answers of all plugins. In a plan it stands as what it says: its settings, and a digest of the program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from control_plane.catalog.model import Auth, State
from control_plane.engine.values import Fields
from control_plane.kong.policies import chunk, lifecycle
from control_plane.kong.policies.authentication import KEY_HEADER
from control_plane.kong.policies.guard import PHASES, literal
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing

# Each is run for a part of the body as it comes; what is said first is the whole of it.
BODY = """return function()
  local body = kong.ctx.shared.renkei_problem
  if body then kong.response.set_raw_body(body) end
end
"""
NEEDED = {
    frozenset({Auth.API_KEY}): {
        "ja": f"有効な API キーをヘッダー {KEY_HEADER} に付けてください。",
        "en": f"Send a valid API key in the header {KEY_HEADER}.",
    },
    frozenset({Auth.TOKEN}): {
        "ja": "有効なアクセストークンをヘッダー Authorization に付けてください。",
        "en": "Send a valid access token in the header Authorization.",
    },
    frozenset(Auth): {
        "ja": f"有効な API キーをヘッダー {KEY_HEADER} に、またはアクセストークンを Authorization に付けてください。",
        "en": f"Send a valid API key in the header {KEY_HEADER}, or an access token in Authorization.",
    },
    frozenset(): {"ja": "この呼出しには認証が必要です。", "en": "This call needs credentials."},
}
_CHUNK = re.compile(
    rf"-- (?P<name>[^\n]*): answers of the gateway, {chunk.BY_US}\n"
    r"local SETTINGS = \{\n(?P<settings>(?:  [^\n]*,\n)*)\}\n"
    r"(?P<program>.*)",
    re.DOTALL,
)


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    texts = [f"language = {literal(gateway.catalog.platform.locale)}", f"credentials = {_table(_needed(one))}"]
    if one.version.state in (State.DEPRECATED, State.RETIRED):
        texts.append(f"texts = {{ [410] = {_gone(one)} }}")
    config: dict[str, object] = {"access": [], **{phase: [] for phase in PHASES}}
    config |= {"header_filter": [text_of(one.name, texts, program())], "body_filter": [BODY]}
    yield Plugin("post-function", config, one.api.origin, one.belongs, within=one.name, service=one.name)


@cache
def program() -> str:
    """The fixed part, the same for every API version."""
    return files("control_plane.kong").joinpath("problem.lua").read_text("utf-8")


def text_of(name: str, settings: Sequence[str], fixed: str) -> str:
    return "\n".join(
        [
            f"-- {name}: answers of the gateway, {chunk.BY_US}",
            "local SETTINGS = {",
            *(f"  {setting}," for setting in settings),
            "}",
            fixed,
        ]
    )


def write(said: Any) -> str:
    """The text that says this, with the program of this version of renkei."""
    return text_of(said["name"], said["settings"], program())


def read(text: str) -> Fields | None:
    """What the text says; None when it is not one that `write` gives."""
    match = _CHUNK.fullmatch(text)
    if match is None:
        return None
    settings = tuple(line[2:-1] for line in match["settings"].splitlines())
    if text_of(match["name"], settings, match["program"]) != text:
        return None
    return {"name": match["name"], "settings": settings, "program": chunk.digest(match["program"])}


def _needed(one: Standing) -> dict[str, str]:
    return NEEDED[frozenset(one.api.auth)]


def _table(texts: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{language} = {_in_json(text)}" for language, text in sorted(texts.items())) + " }"


def _gone(one: Standing) -> str:
    """Title, detail and further members of a retired version's 410, by language."""
    more = "".join(
        f',"{name}":{json.dumps(value, ensure_ascii=False)}' for name, value in lifecycle.members(one).items() if value
    )
    texts = (
        f"{language} = {{ {_in_json(title)}, {_in_json(lifecycle.detail(one, language))}, {literal(more)} }}"
        for language, title in sorted(lifecycle.TITLE.items())
    )
    return "{ " + ", ".join(texts) + " }"


def _in_json(text: str) -> str:
    """A text as it stands inside a JSON string, as Lua writes it."""
    return literal(json.dumps(text, ensure_ascii=False)[1:-1])
