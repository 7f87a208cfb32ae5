"""The login flows that we want: what a person must show, by the realm's template.

A condition in Keycloak fails open: a role that it names and that is not there lets everyone in with the password alone.
So where everyone must show a second factor there is no condition at all, and where only some must, the condition names
one role that is ours alone.

    browser        a running session, or: password, then the second factor
    direct-grant   closed: it would hand out a token for a password alone
"""

from __future__ import annotations

from control_plane.catalog.model import MfaMode, Realm
from control_plane.keycloak.flowtree import ALTERNATIVE, CONDITIONAL, REQUIRED, Execution, Flow, Step, SubFlow
from control_plane.keycloak.roles import MFA

FACTORS = {"totp": "auth-otp-form", "passkey": "webauthn-authenticator"}
RECOVERY_CODES = "auth-recovery-authn-code-form"
HOLDS_ROLE = Step("conditional-user-role", REQUIRED, (("condUserRole", MFA), ("negate", "false")))

DIRECT_GRANT = Flow("direct-grant", (Step("deny-access-authenticator", REQUIRED),))


def browser(realm: Realm) -> Flow:
    baseline = realm.baseline
    codes = (RECOVERY_CODES,) if baseline.recovery_codes else ()  # last: never what somebody without a factor sets up
    factors = (*(FACTORS[factor] for factor in baseline.factors or ("totp",)), *codes)
    by_role = baseline.mfa is MfaMode.BY_ROLE
    forms = (Step("auth-username-password-form", REQUIRED), *_second(factors, by_role))
    return Flow("browser", (Step("auth-cookie", ALTERNATIVE), SubFlow("forms", ALTERNATIVE, forms)))


def _second(factors: tuple[str, ...], by_role: bool) -> tuple[Execution, ...]:
    condition = (HOLDS_ROLE,) if by_role else ()
    if len(factors) > 1:
        return _either(factors, condition)
    required = Step(factors[0], REQUIRED)
    return (SubFlow("second factor", CONDITIONAL, (*condition, required)),) if by_role else (required,)


def _either(factors: tuple[str, ...], condition: tuple[Step, ...]) -> tuple[Execution, ...]:
    """Any factor that the person has; the first one must be enrolled by who has none.

    Alternatives in one sub-flow would be a dead end for a person without any factor: so one sub-flow for those who have
    one, and one for those whom the first did not ask.
    """
    has = (*condition, Step("conditional-user-configured", REQUIRED), *(Step(one, ALTERNATIVE) for one in factors))
    not_asked = Step(
        "conditional-sub-flow-executed",
        REQUIRED,
        (("check_result", "not-executed"), ("flow_to_check", "second factor")),
    )
    return (
        SubFlow("second factor", CONDITIONAL, has),
        SubFlow("first enrolment", CONDITIONAL, (*condition, not_asked, Step(factors[0], REQUIRED))),
    )
