"""`python -m control_plane.sandbox.kong`: the stand-in alone, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import click

from control_plane.problems import RenkeiError
from control_plane.sandbox.kong.server import serve
from control_plane.sandbox.kong.settings import KONG_VERSION, Settings


async def until_stopped(settings: Settings) -> None:
    """Serve, say where, and end at the first signal."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    running = await serve(settings)
    sys.stdout.write(f"stand-in for Kong {KONG_VERSION}: admin {running.admin_url} proxy {running.proxy_url}\n")
    sys.stdout.flush()
    try:
        await stopped.wait()
    finally:
        await running.stop()


@click.command()
@click.option("--admin-port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="0: a free one.")
@click.option("--proxy-port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep the entities in this file.")
@click.option("--take-up", type=click.FloatRange(0), default=0.0, help="Seconds until the proxy works by a change.")
@click.option("--take-up-seed", type=int, help="Draw the delay of each thing with this seed, up to --take-up.")
@click.option("--sandbox-requires", multiple=True, help="A Lua module that functions may load, as cjson.safe.")
@click.option("--header", multiple=True, help="What answers tell of it, as X-Kong-Request-Id; all when left out.")
@click.option("--trusted-ip", multiple=True, help="An address or CIDR block whose X-Forwarded-* headers count.")
def main(
    admin_port: int,
    proxy_port: int,
    data: Path | None,
    take_up: float,
    take_up_seed: int | None,
    sandbox_requires: tuple[str, ...],
    header: tuple[str, ...],
    trusted_ip: tuple[str, ...],
) -> None:
    """Run a stand-in for Kong 3.9.3 on loopback: Admin API and proxy."""
    settings = Settings(admin_port, proxy_port, data, take_up, take_up_seed, sandbox_requires, trusted_ip)
    if header:
        settings = replace(settings, headers=tuple(name.lower() for name in header))
    try:
        asyncio.run(until_stopped(settings))
    except RenkeiError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
