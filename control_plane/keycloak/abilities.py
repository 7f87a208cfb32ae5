"""What a Keycloak can do, and what the configuration needs of it: told before the first write.

An older 26 lacks steps of login flows, a check of clients, and fine-grained permissions. It refuses the first two with
400 in the middle of an apply, and a realm that asks for the last with "unable to read contents from stream". What it
has, it says to every account; its version only to those who may manage the realm `master`.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, Realm
from control_plane.engine.target import Check
from control_plane.keycloak import flows, handmade, logins
from control_plane.keycloak.answers import Json, Missing
from control_plane.keycloak.flowtree import Execution, SubFlow
from control_plane.keycloak.server import Keycloak
from control_plane.problems import NotAllowed

PERMISSIONS = "ADMIN_FINE_GRAINED_AUTHZ_V2"
HELP = "use a newer Keycloak 26, or leave that out of the configuration: docs/reference/keycloak-versions.md"


def missing(server: Keycloak, catalog: Catalog) -> Iterator[Check]:
    """What the catalog asks for and this server has nothing for; one check for each realm."""
    said = server.session.get("admin/serverinfo")
    has, checks = _providers(said, "authenticator"), _providers(said, "client-policy-executor")
    features = {one.get("name") for one in said.get("features") or () if one.get("enabled") is True}
    delegating = {tenant.realm for tenant in catalog.delegating()}
    for realm in catalog.realms.values():
        needed = {step for flow in flows.of(catalog, realm) for step in _steps(flow.steps)}
        lacks = [f"the step {name} of its login flows" for name in sorted(needed - has)] if has else []
        unknown = sorted(set(handmade.executors(realm.baseline)) - checks) if checks else []
        lacks += [f"the check {name} of clients that people make by hand" for name in unknown]
        if features and realm.name in delegating and PERMISSIONS not in features:
            lacks.append("fine-grained permissions for its tenants' administrators")
        if _would_let_the_reader_in(server, realm):
            lacks.append(f"a login after a new password by mail ({logins.AGAIN})")
        if lacks:
            yield Check(f"Keycloak for realm {realm.name}", False, f"it has not got {', '.join(lacks)}", HELP)


def _would_let_the_reader_in(server: Keycloak, realm: Realm) -> bool:
    """Whether mails with new passwords open accounts there. A realm must be there to be asked: of a new one its flow is
    refused when it is made."""
    if logins.RESET not in logins.bound(realm):
        return False
    try:
        return not flows.understands(server, realm.name, logins.BY_MAIL)
    except (Missing, NotAllowed):
        return False


def _providers(said: Json, sort: str) -> frozenset[str]:
    """What it knows of a sort, as steps of login flows; none when it does not tell."""
    of = (said.get("providers") or {}).get(sort) or {}
    return frozenset(map(str, of.get("providers") or ()))


def _steps(steps: tuple[Execution, ...]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, SubFlow):
            yield from _steps(step.steps)
        else:
            yield step.provider
