"""A directory for tests: the in-memory LDAP server of UnboundID's SDK, with two people in it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from control_plane.sandbox.cache import cache_directory, locked
from control_plane.sandbox.distribution import CENTRAL
from control_plane.sandbox.downloads import Pinned, fetch, sha256_of
from control_plane.sandbox.java import find_java
from control_plane.sandbox.progress import Tell, silence

VERSION = "7.0.3"
JAR = Pinned(
    f"UnboundID LDAP SDK {VERSION}, a directory for the tests",
    f"{CENTRAL}/com/unboundid/unboundid-ldapsdk/{VERSION}/unboundid-ldapsdk-{VERSION}.jar",
    "7f1b9141f2c955d3a03b3f5da2c450bd616826e921a87fc19264a3f22b35e2fb",
)
BASE, PEOPLE, READER = "dc=example,dc=jp", "ou=staff,dc=example,dc=jp", "cn=renkei"
PASSWORD = "the password of the directory"
START = 30.0  # seconds
PERSON = """
dn: uid={name},{people}
objectClass: inetOrgPerson
objectClass: organizationalPerson
objectClass: person
objectClass: top
uid: {name}
cn: {name}
sn: Sato
givenName: {name}
mail: {name}@example.jp
userPassword: {password}
"""
TREE = f"""\
dn: {BASE}
objectClass: top
objectClass: domain
dc: example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: staff
"""


def fetched(tell: Tell = silence) -> Path:
    """The server's program in the cache; fetched when it is not there. Not during the tests, which reach nowhere."""
    return fetch(JAR, _jar(), tell)


def _jar() -> Path:
    return cache_directory() / f"unboundid-ldapsdk-{VERSION}.jar"


@dataclass(frozen=True)
class Directory:
    url: str


@contextmanager
def a_directory(home: Path, *, password: str, port: int, people: tuple[str, ...]) -> Iterator[Directory]:
    """`password` is that of the account that may read; the people have theirs."""
    jar = _jar()
    if not jar.exists() or sha256_of(jar) != JAR.sha256:
        pytest.skip(f"{JAR.title} is not in the cache: python scripts/fetch.py ldap")
    entries = "".join(PERSON.format(name=name, people=PEOPLE, password=PASSWORD) for name in people)
    tree = home / "people.ldif"
    tree.write_text(TREE + entries, encoding="utf-8")
    with locked(cache_directory() / "lock"):
        java = find_java(cache_directory(), silence).program
    tool = "com.unboundid.ldap.listener.InMemoryDirectoryServerTool"
    command = [str(java), "-Xmx64m", "-cp", str(jar), tool, "--port", str(port), "--baseDN", BASE]
    command += ["--ldifFile", str(tree), "--additionalBindDN", READER, "--additionalBindPassword", password]
    log = home / "directory.log"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            until = time.monotonic() + START
            while "Listening for client connections" not in log.read_text("utf-8", "replace"):
                assert process.poll() is None, log.read_text("utf-8", "replace")
                assert time.monotonic() < until, "the directory does not start"
                time.sleep(0.1)
            yield Directory(f"ldap://127.0.0.1:{port}")
        finally:
            process.terminate()
