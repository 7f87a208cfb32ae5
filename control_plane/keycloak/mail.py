"""The mail server of a realm: the template says whom mails come from, the environment which server takes them.

Keycloak takes these settings whole and never shows the password: nobody can say whether it is the wanted one. Its
digest stands in an attribute of the realm, written together with it, so that a new password in the store is seen; one
that a hand has put into Keycloak is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, MailServer, Realm
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields, Secret, Unseen
from control_plane.keycloak import realmput
from control_plane.keycloak.marks import attribute
from control_plane.keycloak.server import Keycloak

NAME = "keycloak.mail"
MARK = "renkei.mail"  # the digest of the password that was written last
PLAIN = ("host", "port", "from", "fromDisplayName", "replyTo", "ssl", "starttls", "auth", "user")


def desired(catalog: Catalog) -> Iterator[Resource]:
    server = catalog.environment.mail
    for realm in catalog.realms.values():
        if server and realm.baseline.sender:
            origin = server.origin or realm.origin
            yield Resource(Key(NAME, realm.name, "smtp"), _fields(realm, server), origin, frozenset({realm.owner}))


def _fields(realm: Realm, server: MailServer) -> Fields:
    sender = realm.baseline.sender
    return {
        "host": server.host,
        "port": str(server.port),
        "from": sender["from"],
        "fromDisplayName": sender.get("name", realm.title),
        "replyTo": sender.get("reply_to"),
        "ssl": str(server.encryption == "tls").lower(),
        "starttls": str(server.encryption == "starttls").lower(),
        "auth": str(server.user is not None).lower(),
        "user": server.user,
        "password": Secret(str(server.password)) if server.password else None,
    }


def read(server: Keycloak) -> Iterator[Resource]:
    """Without a request of its own: the settings are part of the realm."""
    for realm in server.ours():
        found = server.found[realm].get("smtpServer") or {}
        digest = attribute(server.found[realm], MARK)
        fields: Fields = {
            **{name: str(found[name]) if found.get(name) else None for name in PLAIN},
            **{name: str(found.get(name) or "false") for name in ("ssl", "starttls", "auth")},
            "password": Unseen(digest or None) if found.get("password") else None,
        }
        if found:
            yield Resource(Key(NAME, realm, "smtp"), fields)


def create(server: Keycloak, want: Resource) -> None:
    smtp = {name: want.fields[name] for name in PLAIN if want.fields[name] is not None}
    mark = ""  # an empty text removes nothing, and equals no digest
    reference = want.fields["password"]
    if isinstance(reference, Secret):
        smtp["password"] = server.reveal(reference)
        mark = server.seal(str(smtp["password"])).version or ""
    realmput.put(server.session, want.key.within, {"smtpServer": smtp}, {MARK: mark})


def update(server: Keycloak, change: Update) -> None:
    create(server, change.want)


def danger(change: Change, have: State) -> str | None:
    if isinstance(change, Update) and change.changed & {"host", "port", "ssl", "starttls", "user"}:
        return "mails with links that open accounts go another way than Git says"
    return None


MAIL = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    after=("keycloak.realm",),
    serial_by=lambda mail: mail.key.within,
    aspect=True,
    danger=danger,
    masked=("password",),
)
