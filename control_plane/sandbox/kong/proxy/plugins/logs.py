"""http-log and file-log: one entry per request, to a server in batches or to a file line by line."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.lua import to_python
from control_plane.sandbox.kong.proxy.node import Node
from control_plane.sandbox.kong.proxy.pdk import Session
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.plugins.functions import Chunk, functions
from control_plane.sandbox.kong.proxy.serialize import entry
from control_plane.sandbox.kong.proxy.wire import wire


@dataclass
class Queue:
    """Entries that wait until a batch is full or its time is over."""

    waiting: list[dict[str, Any]] = field(default_factory=list)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    running: bool = False


def http_log(exchange: Exchange, instance: Instance) -> None:
    _custom_fields(exchange, instance)
    queue: Queue = instance.once("queue", Queue)
    settings = instance.config["queue"]
    if len(queue.waiting) >= settings["max_entries"]:
        del queue.waiting[0]
    queue.waiting.append(entry(exchange))
    if len(queue.waiting) >= settings["max_batch_size"]:
        queue.full.set()
    if not queue.running:
        queue.running = True
        exchange.node.start(_send_all(exchange.node, instance, queue))


def file_log(exchange: Exchange, instance: Instance) -> None:
    _custom_fields(exchange, instance)
    line = json.dumps(entry(exchange), ensure_ascii=False, separators=(",", ":")) + "\n"
    with Path(instance.config["path"]).open("a", encoding="utf-8", errors="replace") as file:
        file.write(line)


def _custom_fields(exchange: Exchange, instance: Instance) -> None:
    """Set or remove fields by Lua.

    Raises:
        LuaFailed, ValueError: one failed or gave what is no value; the entry is lost.
    """
    fields = instance.config.get("custom_fields_by_lua") or {}
    if not fields:
        return
    lua = functions(exchange, instance)
    chunks: dict[str, Chunk] = instance.once(
        "fields",
        lambda: {name: Chunk(lua.cage.load(wire(text), name), run_before=True) for name, text in fields.items()},
    )
    log = exchange.notes.setdefault("log", {})
    for name, chunk in chunks.items():
        log[name] = to_python(lua.run(Session(exchange, "log"), chunk, instance.id))


async def _send_all(node: Node, instance: Instance, queue: Queue) -> None:
    """Send batch after batch until nothing waits."""
    settings = instance.config["queue"]
    try:
        while queue.waiting:
            if settings["max_batch_size"] > 1:
                await _waited(queue, settings["max_coalescing_delay"])
            batch = queue.waiting[: settings["max_batch_size"]]
            del queue.waiting[: settings["max_batch_size"]]
            queue.full.clear()
            if len(queue.waiting) >= settings["max_batch_size"]:
                queue.full.set()
            await _send(instance, batch)
    finally:
        queue.running = False


async def _waited(queue: Queue, seconds: float) -> None:
    try:
        await asyncio.wait_for(queue.full.wait(), seconds)
    except TimeoutError:
        return


async def _send(instance: Instance, batch: list[dict[str, Any]]) -> None:
    """Until it is taken or `max_retry_time` is over; then the batch is lost."""
    config, delay = instance.config, instance.config["queue"]["initial_retry_delay"]
    one_alone = config["queue"]["max_batch_size"] == 1
    body = json.dumps(batch[0] if one_alone else batch, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
    headers = {"Content-Type": config["content_type"], **(config.get("headers") or {})}
    timeout = aiohttp.ClientTimeout(total=config["timeout"] / 1000)
    left = config["queue"]["max_retry_time"]
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            try:
                async with session.request(
                    config["method"], config["http_endpoint"], data=body, headers=headers
                ) as got:
                    await got.read()
                    if got.status < 300:
                        return
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            left -= delay
            if left < 0:
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, config["queue"]["max_retry_delay"])
