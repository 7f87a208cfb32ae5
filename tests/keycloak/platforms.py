"""The platform that the tests on the real Keycloak apply: a shared realm with MFA by role, and one with MFA for all."""

from __future__ import annotations

import os

from control_plane.catalog.model import Auth, Catalog, MailServer, MfaMode, SecretRef
from tests.building import (
    Part,
    a_platform,
    here,
    in_environment,
    with_administrators,
    with_group,
    with_provider,
    with_role,
    with_service,
    with_tenant,
    with_user,
)

MAIL = MailServer(
    "mail.example.jp", 587, "starttls", "renkei", SecretRef("mail/smtp", "password"), here("renkei.yaml", 9)
)


OLD = os.environ.get("RENKEI_KEYCLOAK_VERSION", "").startswith("26.0.")
NEWER: tuple[Part, ...] = (  # what Keycloak 26.0 has nothing for
    () if OLD else (with_administrators("nikko-admin", tenant="nikko"), with_provider("nikko-login", tenant="nikko"))
)


def a_small_platform(*more: Part) -> Catalog:
    return a_platform(
        in_environment(mail=MAIL),
        with_role("dashboard-viewer"),
        with_role("dashboard-editor", mfa=True, includes=["dashboard-viewer"]),
        with_tenant(
            "tochigi",
            mfa=MfaMode.BY_ROLE,
            password_policy={"length": 12, "not_username": True},
            brute_force={"failures": 5, "wait": 60},
            tokens={"access": 300, "sso_idle": 1800},
            attributes=("department",),
            sender={"from": "noreply@example.jp", "name": "栃木県"},
        ),
        with_tenant("nikko", in_realm_of="tochigi"),
        with_tenant("nasushiobara", step_up=None if OLD else 300),
        with_group("digital", roles=["dashboard-editor"]),
        with_group("viewers", tenant="nikko", roles=["dashboard-viewer"]),
        with_user("staff-01", groups=["digital"]),
        with_user("staff-02", roles=["dashboard-viewer"]),
        with_user("nikko-01", tenant="nikko", groups=["viewers"], attributes={"department": "総務課"}),
        with_user("nikko-admin", tenant="nikko"),
        *NEWER,
        with_service("portal", reading="ngsi-v2", auth=[Auth.TOKEN]),
        with_service("web", tenant="nikko", auth=[Auth.TOKEN], redirect_uris=("https://nikko.example.jp/cb",)),
        *more,
    )
