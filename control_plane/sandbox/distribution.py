"""The Keycloak that all sandboxes of one user share: fetched and built once, with a database that has its tables.

    <cache>/keycloak-26.7.3-2/
        home/                    the unpacked and built distribution
        keycloakdb.mv.db         an H2 database with Keycloak's tables, the realm `master` and one temporary client
        bootstrap.secret         the secret of that client (0600); each sandbox replaces the client by its own accounts

A fresh database costs Keycloak about 10 s of its start; a copy costs nothing.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from control_plane.problems import Problem, Refused, RenkeiError
from control_plane.sandbox.cache import (
    appearing_whole,
    cache_directory,
    locked,
    need_space,
    remove_unfinished,
    write_private,
)
from control_plane.sandbox.downloads import Pinned, fetch
from control_plane.sandbox.java import Java, find_java
from control_plane.sandbox.progress import Step, Tell

PINNED = {  # version: SHA-256 of its archive. The first is the newest that we know, and what everybody gets
    "26.7.3": "77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47",
    "26.0.8": "8cf143b894afcf7d3be4549dc5af4790bda63bd471a5ac8e384094fb729e4b15",  # the oldest that we work with
}
ASKED = "RENKEI_KEYCLOAK_VERSION"  # of the environment: another of these versions, for tests
CENTRAL = "https://repo1.maven.org/maven2"
MADE = 2  # grows when what is made here changes
# Of the build: a preview, by which a client may have a second secret. It counts only where a client policy of the realm
# says so; all else is as without it.
FEATURES = ("client-secret-rotation",)
BOOTSTRAP_CLIENT = "renkei-bootstrap"
DATABASE = "keycloakdb.mv.db"

# As bin/kc.sh of 26.7.3 starts the JVM, without the shell in between: so the process that we know is Keycloak itself.
# C1 alone saves two seconds of a start; it is slower later, which a sandbox does not live to see.
JVM = (
    "-Xms64m",
    "-Xmx1g",
    "-XX:TieredStopAtLevel=1",
    "-XX:MetaspaceSize=96M",
    "-XX:MaxMetaspaceSize=320m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dfile.encoding=UTF-8",
    "-Duser.language=en",
    "-Duser.country=US",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Dpicocli.disable.closures=true",
    "-Dquarkus-log-max-startup-records=10000",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
)


@dataclass(frozen=True)
class Distribution:
    """A built Keycloak, and the Java that runs it."""

    directory: Path
    java: Java

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def database(self) -> Path:
        return self.directory / DATABASE

    @property
    def bootstrap_secret(self) -> str:
        return (self.directory / "bootstrap.secret").read_text("utf-8")


def installed(tell: Tell) -> Distribution:
    """The distribution from the cache, put there when it is not. Two runs at once: the second waits for the first."""
    cache = cache_directory()
    with locked(cache / "lock"):
        java = find_java(cache, tell)
        built = cache / f"keycloak-{version()}-{MADE}"
        if not built.is_dir():
            remove_unfinished(cache)
            _install(built, java, tell)
        return Distribution(built, java)


def version() -> str:
    """The version that is wanted. Raises Refused for one whose hash nobody has pinned."""
    asked = os.environ.get(ASKED) or next(iter(PINNED))
    if asked not in PINNED:
        raise Refused(Problem(f"{ASKED}: there is no pinned Keycloak {asked}", help=f"one of {', '.join(PINNED)}"))
    return asked


def archive() -> Pinned:
    """The official archive, from Maven Central or the mirror that RENKEI_MAVEN names."""
    maven, asked = os.environ.get("RENKEI_MAVEN", CENTRAL).rstrip("/"), version()
    path = f"org/keycloak/keycloak-quarkus-dist/{asked}/keycloak-quarkus-dist-{asked}.tar.gz"
    hint = "look at your network, set HTTPS_PROXY, or let RENKEI_MAVEN name a mirror of Maven Central"
    return Pinned(f"Keycloak {asked}", f"{maven}/{path}", PINNED[asked], hint)


def _install(built: Path, java: Java, tell: Tell) -> None:
    wanted = archive()
    need_space(built.parent, 700, wanted.title)
    fetched = fetch(wanted, built.parent / wanted.url.rpartition("/")[2], tell)
    with appearing_whole(built) as directory:
        home = directory / "home"
        tell(Step(f"{wanted.title}: unpack"))
        unpack(fetched, home)
        tell(Step(f"{wanted.title}: build (once, about half a minute)"))
        options = ["--db=dev-file", "--health-enabled=true", f"--features={','.join(FEATURES)}"]
        _run([*command(java, home), "build", *options], "build", environment())
        tell(Step(f"{wanted.title}: prepare a database (once, about a quarter of a minute)"))
        _prepare_database(directory, java)
    fetched.unlink()  # it has served; the hash pins it when it is ever needed again


def command(java: Java, home: Path, *properties: str) -> list[str]:
    """The JVM with Keycloak in it, for the home directory `home`; Keycloak's own arguments follow."""
    native = ["--enable-native-access=ALL-UNNAMED"]
    where = [f"-Dkc.home.dir={home}", f"-Djboss.server.config.dir={home / 'conf'}"]
    main = ["-cp", str(home / "lib" / "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint"]
    return [str(java.program), *JVM, *native, *where, *properties, *main]


def environment(**more: str) -> dict[str, str]:
    """Our environment without what would change Keycloak or the JVM behind our back."""
    foreign = ("KC_", "QUARKUS_", "KEYCLOAK_", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | more


def unpack(fetched: Path, home: Path) -> None:
    """Unpack the archive's one directory as `home`; refuse members that would land elsewhere or are no plain files."""
    with tarfile.open(fetched) as tar:
        members = []
        for member in tar:
            parts = PurePosixPath(member.name).parts
            if member.name.startswith("/") or ".." in parts or not (member.isfile() or member.isdir()):
                raise RenkeiError(f"{fetched.name} has a member that does not belong into it: {member.name!r}")
            if len(parts) > 1:
                member.path = str(PurePosixPath(*parts[1:]))
                members.append(member)
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later: their checks on top of ours
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(home, members=members)  # noqa: S202  # checked above, and the content is pinned by its hash


def _prepare_database(directory: Path, java: Java) -> None:
    """Let Keycloak make its tables, then keep the database and the secret of its temporary client.

    `bootstrap-admin service` makes the tables and the realm `master`, too, and ends by itself.
    """
    secret = secrets.token_urlsafe(32)
    arguments = [
        "bootstrap-admin",
        "service",
        f"--client-id={BOOTSTRAP_CLIENT}",
        "--client-secret:env=RENKEI_BOOTSTRAP_SECRET",
    ]
    arguments += ["--no-prompt", "--optimized"]
    # It opens the management port for a second, by default 9000 on every interface, and takes no option about that.
    quiet = ["-Dkc.http-host=127.0.0.1", "-Dkc.http-management-port=0"]
    home = directory / "home"
    java_and_more = command(java, home, *quiet)
    _run([*java_and_more, *arguments], "preparation of the database", environment(RENKEI_BOOTSTRAP_SECRET=secret))
    shutil.move(home / "data" / "h2" / DATABASE, directory / DATABASE)
    shutil.rmtree(home / "data")
    write_private(directory / "bootstrap.secret", secret)


def _run(arguments: Sequence[str], what: str, env: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603  # our own words and paths, no shell
        arguments, capture_output=True, text=True, errors="replace", env=env, check=False, timeout=600
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line or "Exception" in line]
        said = lines[0][:300] if lines else f"exit code {done.returncode}"
        raise RenkeiError(
            Problem(f"Keycloak's {what} failed: {said}", help="is there enough memory? about 1 GiB is needed")
        )
