"""The login flows that we want: what a person must show, by the realm's template.

A condition in Keycloak fails open: a role that it names and that is not there lets everyone in with the password alone.
So where everyone must show a second factor there is no condition at all, and where only some must, the condition names
one role that is ours alone. Where people may be left out by name, the condition is the absence of an attribute: without
the attribute, or without any attribute of that name in the realm, everybody is asked.

    browser        a running session, or: password, then the second factor
    direct-grant   closed: it would hand out a token for a password alone
    reset          a new password by mail, and then a login like any other

Keycloak's own way to a new password signs in whoever reads the mail, and lets him set up another second factor in
place of the one that is there. Ours gives a password and no session. Where no template asks for such mails they are
switched off, and Keycloak's own stays bound.

Where a service may ask for more (`assurance: 2`), password and second factor are the first level, and a second factor
that was shown in this login or a short time ago is the second: nobody is left out of that one.
"""

from __future__ import annotations

from control_plane.catalog.model import MfaMode, Realm, RealmBaseline
from control_plane.keycloak.flowtree import ALTERNATIVE, CONDITIONAL, REQUIRED, Execution, Flow, Step, SubFlow
from control_plane.keycloak.marks import EXEMPT
from control_plane.keycloak.roles import MFA

FACTORS = {"totp": "auth-otp-form", "passkey": "webauthn-authenticator"}
RECOVERY_CODES = "auth-recovery-authn-code-form"
CREDENTIALS = {"auth-otp-form": "otp", "webauthn-authenticator": "webauthn", RECOVERY_CODES: "recovery-authn-codes"}
LEVEL = 2  # of a login with a second factor, as `minimum.acr.value` names it
SESSION = 36000  # seconds of a session, where the template does not say
YES = "yes"  # what the exempting attribute holds
HOLDS_ROLE = Step("conditional-user-role", REQUIRED, (("condUserRole", MFA), ("negate", "false")))
NOT_EXEMPT = Step(
    "conditional-user-attribute",
    REQUIRED,
    (
        ("attribute_expected_value", YES),
        ("attribute_name", EXEMPT),
        ("include_group_attributes", "false"),
        ("not", "true"),
        ("regex", "false"),
    ),
)

PASS = Step("allow-access-authenticator", REQUIRED)
AGAIN = "force-login"
BY_MAIL = Step("reset-credential-email", REQUIRED, ((AGAIN, "true"),))
RESET = Flow("reset", (Step("reset-credentials-choose-user", REQUIRED), BY_MAIL, Step("reset-password", REQUIRED)))
RESETS = "reset_password"  # how templates call it
STOCK_RESET = "reset credentials"
DIRECT_GRANT = Flow("direct-grant", (Step("deny-access-authenticator", REQUIRED),))


def bound(realm: Realm) -> tuple[Flow, ...]:
    """The flows that the realm itself uses; none of ours where it keeps those that it had before us."""
    if realm.baseline.mfa is MfaMode.UNMANAGED:
        return ()
    return (browser(realm), DIRECT_GRANT, *((RESET,) if realm.baseline.login.get(RESETS) else ()))


def by_purpose(realm: Realm) -> dict[str, str]:
    """The names of the flows that the realm uses, Keycloak's own among them."""
    ours = {flow.purpose: flow.alias for flow in bound(realm)}
    return {RESET.purpose: STOCK_RESET, **ours} if ours else {}


def browser(realm: Realm) -> Flow:
    baseline = realm.baseline
    forms = (
        Step("auth-username-password-form", REQUIRED),
        *second_factor(baseline, conditions(baseline), "second factor", "first enrolment"),
    )
    if baseline.step_up is not None:
        forms = _levels(baseline, forms)
    return Flow("browser", (Step("auth-cookie", ALTERNATIVE), SubFlow("forms", ALTERNATIVE, forms)))


def conditions(baseline: RealmBaseline) -> tuple[Step, ...]:
    """Of whom a second factor is asked; none: of everybody."""
    by_role = (HOLDS_ROLE,) if baseline.mfa is MfaMode.BY_ROLE else ()
    return (*by_role, *((NOT_EXEMPT,) if baseline.exemptions else ()))


def authenticators(baseline: RealmBaseline) -> tuple[str, ...]:
    """What counts as a second factor; the first is what somebody without any sets up, and codes are never that."""
    codes = (RECOVERY_CODES,) if baseline.recovery_codes else ()
    return (*(FACTORS[factor] for factor in baseline.factors or ("totp",)), *codes)


def second_factor(
    baseline: RealmBaseline, conditions: tuple[Step, ...], name: str, enrolment: str
) -> tuple[Execution, ...]:
    """Any factor that the person has; the first one must be enrolled by who has none.

    Alternatives in one sub-flow would be a dead end for a person without any factor: so one sub-flow for those who have
    one, and one for those whom the first did not ask.
    """
    factors = authenticators(baseline)
    first = Step(factors[0], REQUIRED)
    if len(factors) == 1:
        return (SubFlow(name, CONDITIONAL, (*conditions, first)),) if conditions else (first,)
    has = (*conditions, Step("conditional-user-configured", REQUIRED), *(Step(one, ALTERNATIVE) for one in factors))
    not_asked = Step(
        "conditional-sub-flow-executed", REQUIRED, (("check_result", "not-executed"), ("flow_to_check", name))
    )
    return (
        SubFlow(name, CONDITIONAL, has),
        SubFlow(enrolment, CONDITIONAL, (*conditions, not_asked, first)),
    )


def not_shown(baseline: RealmBaseline) -> Step:
    """The condition that no second factor was shown in this login yet."""
    used = "##".join(CREDENTIALS[one] for one in authenticators(baseline))
    return Step("conditional-credential", REQUIRED, (("credentials", used), ("included", "false")))


def _levels(baseline: RealmBaseline, forms: tuple[Execution, ...]) -> tuple[Execution, ...]:
    return first_level(baseline, forms), second_level(baseline)


def first_level(baseline: RealmBaseline, forms: tuple[Execution, ...]) -> SubFlow:
    session = int(baseline.tokens.get("sso_max", SESSION))
    return SubFlow("first level", CONDITIONAL, (_level(1, session), *forms))


def second_level(baseline: RealmBaseline) -> SubFlow:
    """It asks for a factor only where this login has not shown one already, and never for less."""
    again = second_factor(baseline, (not_shown(baseline),), "step up", "step up enrolment")
    return SubFlow("second level", CONDITIONAL, (_level(LEVEL, baseline.step_up or 0), *again, PASS))


def _level(level: int, seconds: int) -> Step:
    config = (("loa-condition-level", str(level)), ("loa-max-age", str(seconds)))
    return Step("conditional-level-of-authentication", REQUIRED, config)
