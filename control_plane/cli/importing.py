"""import: what exists, as YAML of ours."""

from __future__ import annotations

from pathlib import Path

import click

from control_plane.app import importing, importing_realms
from control_plane.app.importing import Imported
from control_plane.catalog.model import KeycloakSettings
from control_plane.cli.options import tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.problems import Problem, Refused
from control_plane.render.plan import visible


@click.group("import")
def import_() -> None:
    """What exists, as a configuration to begin with.

    \b
    Example:
      renkei import kong --from kong.yaml --out my-platform --platform tochigi
      renkei import keycloak --from https://id.example.jp --realm nikko --client-secret-file secret --out my-platform \\
        --platform tochigi
    """


@import_.command("kong")
@click.option("--from", "source", required=True, metavar="SOURCE", help="An Admin API's address, or a file of decK's.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new directory.")
@click.option("--platform", required=True, help="The platform's id, and of the tenant that owns its APIs.")
@click.option("--keys", type=click.Path(path_type=Path, file_okay=False), help="Keep the callers' keys there (0600).")
@tells_problems
def import_kong(source: str, out: Path, platform: str, keys: Path | None) -> int:
    """APIs, services and grants from a Kong that exists. Writes nothing to it; tells what the YAML cannot say.

    \b
    Examples:
      renkei import kong --from http://127.0.0.1:8001 --out my-platform --platform tochigi
      renkei import kong --from kong.yaml --out my-platform --platform tochigi --keys my-platform/.renkei/imported
    """
    _tell(importing.import_kong(source, out, platform, keys), out, keys, "keys")
    return 0


@import_.command("keycloak")
@click.option("--from", "source", required=True, metavar="URL", help="Keycloak's address.")
@click.option("--realm", "realms", required=True, multiple=True, help="A realm; becomes a tenant. Repeatable.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new directory.")
@click.option("--platform", required=True, help="The platform's id: what its marks will say.")
@click.option("--client-id", default="renkei", show_default=True, help="Our own client.")
@click.option(
    "--client-secret-file",
    "secret_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A file with its secret.",
)
@click.option("--login-realm", default="master", show_default=True, help="The realm of our own client.")
@click.option("--ca", type=click.Path(dir_okay=False), help="The authority of Keycloak's certificate.")
@click.option(
    "--keys", type=click.Path(path_type=Path, file_okay=False), help="Keep the clients' secrets there (0600)."
)
@tells_problems
def import_keycloak(
    source: str,
    realms: tuple[str, ...],
    out: Path,
    platform: str,
    client_id: str,
    secret_file: Path,
    login_realm: str,
    ca: str | None,
    keys: Path | None,
) -> int:
    """Tenants with people, groups, roles and clients from a Keycloak that exists. Writes nothing to it; tells what the
    YAML cannot say, and what an apply would change.

    \b
    Examples:
      renkei import keycloak --from https://id.example.jp --realm nikko --client-secret-file secret --out my-platform \\
        --platform tochigi
      renkei import keycloak --from https://id.example.jp --realm nikko --realm oyama --client-secret-file secret \\
        --out my-platform --platform tochigi --keys my-platform/.renkei/imported
    """
    settings = KeycloakSettings(source, client_id, importing_realms.NEVER, login_realm, verify=ca or True)
    secret = _secret(secret_file)
    names = tuple(dict.fromkeys(realms))
    _tell(importing_realms.import_realms(settings, secret, names, out, platform, keys), out, keys, "secrets")
    return 0


def _secret(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Refused(Problem(f"{file} cannot be read", help="it holds our client's secret and nothing else")) from None


def _tell(done: Imported, out: Path, keys: Path | None, what: str) -> None:
    TERMINAL.out([f"  + {path}" for path in done.files])
    for note in done.notes:
        TERMINAL.out([f"  ! {visible(note.what)}: {visible(note.why)}", f"      {visible(note.todo)}"])
    kept = f"kept in {keys}" if keys else "not kept: --keys DIRECTORY"
    TERMINAL.out([f"{len(done.notes)} not taken over as it is, {done.keys} {what} {kept}.", "Next:"])
    TERMINAL.out([f"    renkei -C {out} validate"])


COMMANDS = (import_,)
