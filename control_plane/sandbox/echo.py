"""The upstream of a sandbox: it answers every request with what it got, so that one sees what the gateway passed on.

python -m control_plane.sandbox.echo --port 8190
"""

from __future__ import annotations

import click
from aiohttp import web

MOST = 8 * 1024 * 1024  # bytes of a body that are taken


async def echo(request: web.Request) -> web.Response:
    """Method, path, query, headers and body size as JSON; a status can be asked for with `?status=503`."""
    body = await request.read()
    asked = request.query.get("status", "200")
    status = int(asked) if asked.isascii() and asked.isdecimal() and 200 <= int(asked) <= 599 else 200
    heard = {
        "upstream": "renkei sandbox echo",
        "method": request.method,
        "path": request.path,
        "query": request.query_string,
        "headers": {name: ", ".join(request.headers.getall(name)) for name in sorted(set(request.headers))},
        "body_bytes": len(body),
    }
    return web.json_response(heard, status=status)


def application() -> web.Application:
    app = web.Application(client_max_size=MOST)
    app.router.add_route("*", "/{path:.*}", echo)
    return app


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8190, show_default=True, help="Where to listen.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address only inside a container.")
def main(port: int, host: str) -> None:
    """Serve until SIGTERM."""
    web.run_app(application(), host=host, port=port, access_log=None)


if __name__ == "__main__":
    main()
