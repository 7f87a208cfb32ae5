"""What a realm template's words are called in Keycloak, and what every realm has whatever its template says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import MfaMode, Realm, RealmBaseline
from control_plane.engine.values import Fields, Value

DAY = 86400  # seconds

PASSWORD = {
    "length": "length",
    "max_length": "maxLength",
    "upper": "upperCase",
    "lower": "lowerCase",
    "digits": "digits",
    "special": "specialChars",
    "pattern": "regexPattern",
    "deny_list": "passwordBlacklist",
    "history": "passwordHistory",
    "history_days": "passwordAge",
    "not_username": "notUsername",
    "not_email": "notEmail",
    "without_username": "notContainsUsername",
    "max_age_days": "forceExpiredPasswordChange",
    "fresh_login": "maxAuthAge",
    "hash": "hashAlgorithm",
    "hash_iterations": "hashIterations",
}
BRUTE_FORCE = {
    "failures": "failureFactor",
    "wait": "waitIncrementSeconds",
    "max_wait": "maxFailureWaitSeconds",
    "reset_after": "maxDeltaTimeSeconds",
    "strategy": "bruteForceStrategy",
    "quick": "quickLoginCheckMilliSeconds",
    "quick_wait": "minimumQuickLoginWaitSeconds",
    "permanent": "permanentLockout",
    "lockouts": "maxTemporaryLockouts",
}
TOKENS = {
    "access": "accessTokenLifespan",
    "sso_idle": "ssoSessionIdleTimeout",
    "sso_max": "ssoSessionMaxLifespan",
    "remember_idle": "ssoSessionIdleTimeoutRememberMe",
    "remember_max": "ssoSessionMaxLifespanRememberMe",
    "client_idle": "clientSessionIdleTimeout",
    "client_max": "clientSessionMaxLifespan",
    "offline_idle": "offlineSessionIdleTimeout",
    "offline_max": "offlineSessionMaxLifespan",
    "login": "accessCodeLifespanLogin",
    "action": "accessCodeLifespanUserAction",
    "code": "accessCodeLifespan",
    "link": "actionTokenGeneratedByUserLifespan",
    "admin_link": "actionTokenGeneratedByAdminLifespan",
    "refresh_once": "revokeRefreshToken",
    "refresh_reuse": "refreshTokenMaxReuse",
}
LOGIN = {
    "remember_me": "rememberMe",
    "with_email": "loginWithEmailAllowed",
    "verify_email": "verifyEmail",
    "reset_password": "resetPasswordAllowed",
    "edit_username": "editUsernameAllowed",
}
THEMES = {"login": "loginTheme", "account": "accountTheme", "admin": "adminTheme", "email": "emailTheme"}
HEADERS = {
    "frame_options": "xFrameOptions",
    "content_security_policy": "contentSecurityPolicy",
    "report_only": "contentSecurityPolicyReportOnly",
    "strict_transport_security": "strictTransportSecurity",
    "referrer_policy": "referrerPolicy",
    "content_type_options": "xContentTypeOptions",
    "robots": "xRobotsTag",
}
OTP = {
    "type": "otpPolicyType",
    "algorithm": "otpPolicyAlgorithm",
    "digits": "otpPolicyDigits",
    "period": "otpPolicyPeriod",
    "look_ahead": "otpPolicyLookAheadWindow",
    "reusable": "otpPolicyCodeReusable",
}
OTP_DEFAULT: Mapping[str, Value] = {
    "otpPolicyType": "totp",
    "otpPolicyAlgorithm": "HmacSHA1",  # the only one that every phone application takes
    "otpPolicyDigits": 6,
    "otpPolicyPeriod": 30,
    "otpPolicyLookAheadWindow": 1,
    "otpPolicyInitialCounter": 0,
    "otpPolicyCodeReusable": False,
}


PASSKEY = {
    "domain": "webAuthnPolicyRpId",
    "name": "webAuthnPolicyRpEntityName",
    "user_verification": "webAuthnPolicyUserVerificationRequirement",
    "attachment": "webAuthnPolicyAuthenticatorAttachment",
    "algorithms": "webAuthnPolicySignatureAlgorithms",
}


def fields(realm: Realm) -> Fields:
    baseline = realm.baseline
    return {
        "enabled": True,
        "displayName": realm.title,
        "sslRequired": baseline.ssl_required,
        "registrationAllowed": False,  # people come from the YAML, not by themselves
        "duplicateEmailsAllowed": False,
        "defaultSignatureAlgorithm": "RS256",  # what the gateway verifies; Keycloak takes any word, and signs nothing
        "internationalizationEnabled": True,
        "supportedLocales": frozenset(baseline.locales),
        "defaultLocale": baseline.locales[0] if baseline.locales else None,
        "passwordPolicy": frozenset(_password(baseline)),
        "bruteForceProtected": bool(baseline.brute_force),
        **{BRUTE_FORCE[name]: _constant(value) for name, value in baseline.brute_force.items()},
        **{TOKENS[name]: value for name, value in baseline.tokens.items()},
        **({"offlineSessionMaxLifespanEnabled": True} if "offline_max" in baseline.tokens else {}),
        **({} if baseline.mfa is MfaMode.UNMANAGED else {LOGIN["reset_password"]: False}),
        **{LOGIN[name]: value for name, value in baseline.login.items()},
        **{THEMES[name]: value for name, value in baseline.themes.items()},
        **_headers(baseline),
        **OTP_DEFAULT,
        **{OTP[name]: value for name, value in baseline.otp.items()},
        **_passkeys(realm),
        **_events(baseline),
    }


def _passkeys(realm: Realm) -> Fields:
    """Whole, or not at all where no passkey is taken. Without a domain a passkey is bound to the host of the page."""
    said = realm.baseline.passkey
    if "passkey" not in realm.baseline.factors:
        return {}
    return {
        "webAuthnPolicyRpId": said.get("domain", ""),
        "webAuthnPolicyRpEntityName": said.get("name", realm.title),
        "webAuthnPolicyUserVerificationRequirement": said.get("user_verification", "required"),
        "webAuthnPolicyAuthenticatorAttachment": said.get("attachment", "not specified"),
        "webAuthnPolicySignatureAlgorithms": frozenset(said.get("algorithms", ("ES256", "RS256"))),
        "webAuthnPolicyAvoidSameAuthenticatorRegister": True,
        "webAuthnPolicyExtraOrigins": frozenset[str](),
    }


def _password(baseline: RealmBaseline) -> Iterator[str]:
    for name, value in baseline.password_policy.items():
        if value is not False:
            yield f"{PASSWORD[name]}({'' if value is True else value})"


def _constant(value: Value) -> Value:
    """Keycloak writes its own words in capitals."""
    return value.upper() if isinstance(value, str) else value


def _headers(baseline: RealmBaseline) -> Fields:
    """Keycloak merges them by key: those that no template names stay."""
    named = {HEADERS[name]: value for name, value in baseline.headers.items()}
    return {"browserSecurityHeaders": named} if named else {}


def _events(baseline: RealmBaseline) -> Fields:
    listeners = baseline.event_listeners
    return {
        "eventsEnabled": True,
        "eventsExpiration": baseline.events_days * DAY,
        "enabledEventTypes": frozenset(baseline.event_types),  # none: those that Keycloak keeps by itself
        **({} if listeners is None else {"eventsListeners": frozenset(listeners)}),
        "adminEventsEnabled": True,
        "adminEventsDetailsEnabled": False,  # the representations hold personal data
    }
