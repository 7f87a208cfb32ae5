"""Every kind of object that renkei keeps in Keycloak, in the order in which they are read.

A kind may use the ids that an earlier one has read. Adding a kind is its file and one line here.
"""

from __future__ import annotations

from control_plane.engine.kind import Kind
from control_plane.keycloak.actions import ACTION
from control_plane.keycloak.administrators import ADMINISTRATOR
from control_plane.keycloak.bindings import BINDING
from control_plane.keycloak.brokers import BROKERING
from control_plane.keycloak.clients import CLIENT
from control_plane.keycloak.composites import COMPOSITE
from control_plane.keycloak.consoles import CONSOLE
from control_plane.keycloak.defaults import DEFAULT
from control_plane.keycloak.directories import DIRECTORY
from control_plane.keycloak.flows import FLOW
from control_plane.keycloak.groups import GROUP
from control_plane.keycloak.handmade import CLIENT_POLICY
from control_plane.keycloak.keyrings import REALM_KEY
from control_plane.keycloak.mail import MAIL
from control_plane.keycloak.permissions import PERMITTING, REFUSING
from control_plane.keycloak.policies import POLICY
from control_plane.keycloak.profiles import PROFILE
from control_plane.keycloak.providers import PROVIDER
from control_plane.keycloak.realms import REALM
from control_plane.keycloak.roles import ROLE
from control_plane.keycloak.scopes import SCOPE
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.users import USER

KINDS: tuple[Kind[Keycloak], ...] = (
    REALM,
    REALM_KEY,
    MAIL,
    CLIENT_POLICY,
    PROFILE,
    ROLE,
    COMPOSITE,
    GROUP,
    SCOPE,
    ACTION,
    FLOW,
    BINDING,
    CONSOLE,
    PROVIDER,
    DIRECTORY,
    BROKERING,
    CLIENT,
    DEFAULT,
    USER,
    POLICY,
    REFUSING,
    PERMITTING,
    ADMINISTRATOR,
)
