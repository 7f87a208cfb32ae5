"""Which differences in a realm's settings let more happen than its template says, and what that is.

Each setting has a side on which it is looser: more of it, less of it, or anything else than what is declared.
"""

from __future__ import annotations

from enum import Enum

from control_plane.engine.plan import Change, FieldChange, Update
from control_plane.engine.resource import State
from control_plane.engine.values import Value


class Looser(Enum):
    ON = "on"  # true where Git says false
    OFF = "off"
    MORE = "more"  # than declared; 0 and nothing are without end
    LESS = "less"
    OTHER = "other"


_LONGER = "tokens and sessions live longer than Git says"
_GUESSING = "passwords may be guessed oftener than Git says"
_BROWSER = "pages of the login are shown with less protection in the browser"
_CODES = "codes are easier to guess or to use again than Git says, or none can be right"
_PASSKEYS = "passkeys are taken that Git does not take, or those that are there cannot be used"
_RECORD = "what is done leaves less of a trace than Git says"

SETTINGS: dict[str, tuple[Looser, str]] = {
    "enabled": (Looser.ON, "the realm is switched on, and Git no longer knows it"),
    "registrationAllowed": (Looser.ON, "everybody may make an account"),
    "duplicateEmailsAllowed": (Looser.ON, "two accounts may have one address"),
    "editUsernameAllowed": (Looser.ON, "people may take another name, also one that had rights before"),
    "resetPasswordAllowed": (Looser.ON, "whoever reads a person's mail sets the password"),
    "rememberMe": (Looser.ON, "sessions outlive the browser"),
    "loginWithEmailAllowed": (Looser.ON, "people log in with an address, and Git does not say so"),
    "verifyEmail": (Looser.OFF, "addresses are believed that nobody has proven"),
    "bruteForceProtected": (Looser.OFF, "passwords may be guessed without end"),
    "permanentLockout": (Looser.OFF, _GUESSING),
    "maxTemporaryLockouts": (Looser.MORE, _GUESSING),
    "failureFactor": (Looser.MORE, _GUESSING),
    "waitIncrementSeconds": (Looser.LESS, _GUESSING),
    "maxFailureWaitSeconds": (Looser.LESS, _GUESSING),
    "minimumQuickLoginWaitSeconds": (Looser.LESS, _GUESSING),
    "quickLoginCheckMilliSeconds": (Looser.LESS, _GUESSING),
    "maxDeltaTimeSeconds": (Looser.LESS, _GUESSING),
    "bruteForceStrategy": (Looser.OTHER, _GUESSING),
    "accessTokenLifespan": (Looser.MORE, _LONGER),
    "ssoSessionIdleTimeout": (Looser.MORE, _LONGER),
    "ssoSessionMaxLifespan": (Looser.MORE, _LONGER),
    "ssoSessionIdleTimeoutRememberMe": (Looser.MORE, _LONGER),
    "ssoSessionMaxLifespanRememberMe": (Looser.MORE, _LONGER),
    "clientSessionIdleTimeout": (Looser.MORE, _LONGER),
    "clientSessionMaxLifespan": (Looser.MORE, _LONGER),
    "offlineSessionIdleTimeout": (Looser.MORE, _LONGER),
    "offlineSessionMaxLifespan": (Looser.MORE, _LONGER),
    "offlineSessionMaxLifespanEnabled": (Looser.OFF, "offline tokens live without end"),
    "accessCodeLifespan": (Looser.MORE, _LONGER),
    "accessCodeLifespanLogin": (Looser.MORE, _LONGER),
    "accessCodeLifespanUserAction": (Looser.MORE, _LONGER),
    "actionTokenGeneratedByUserLifespan": (Looser.MORE, "links by mail hold longer than Git says"),
    "actionTokenGeneratedByAdminLifespan": (Looser.MORE, "links by mail hold longer than Git says"),
    "revokeRefreshToken": (Looser.OFF, "a stolen refresh token can be used again and again"),
    "refreshTokenMaxReuse": (Looser.MORE, "a stolen refresh token can be used again"),
    "browserSecurityHeaders": (Looser.OTHER, _BROWSER),
    "otpPolicyType": (Looser.OTHER, _CODES),
    "otpPolicyAlgorithm": (Looser.OTHER, _CODES),
    "otpPolicyDigits": (Looser.OTHER, _CODES),
    "otpPolicyPeriod": (Looser.OTHER, _CODES),
    "otpPolicyLookAheadWindow": (Looser.OTHER, _CODES),
    "otpPolicyCodeReusable": (Looser.ON, _CODES),
    "webAuthnPolicyRpId": (Looser.OTHER, _PASSKEYS),
    "webAuthnPolicyUserVerificationRequirement": (Looser.OTHER, _PASSKEYS),
    "webAuthnPolicyAuthenticatorAttachment": (Looser.OTHER, _PASSKEYS),
    "webAuthnPolicySignatureAlgorithms": (Looser.OTHER, _PASSKEYS),
    "webAuthnPolicyExtraOrigins": (Looser.OTHER, _PASSKEYS),
    "eventsEnabled": (Looser.OFF, _RECORD),
    "eventsExpiration": (Looser.LESS, _RECORD),
    "adminEventsEnabled": (Looser.OFF, _RECORD),
    "adminEventsDetailsEnabled": (Looser.ON, "personal data is kept in the record of changes"),
}
_TLS = {"none": 0, "external": 1, "all": 2}


def danger(change: Change, have: State) -> str | None:
    if not isinstance(change, Update):
        return None
    return next((why for one in change.changes if (why := _why(one))), None)


def _why(one: FieldChange) -> str | None:
    name, want, found = one.path[0], one.after, one.before
    match name:
        case "sslRequired":
            looser = _TLS.get(str(found), 0) < _TLS[str(want)]
            return "passwords may pass without TLS" if looser else None
        case "passwordPolicy":
            return "passwords are not held to the policy" if _more(found, want) else None
        case "enabledEventTypes":
            return _RECORD if found and _more(found, want or frozenset({"every event"})) else None
    side, why = SETTINGS.get(name, (None, ""))
    return why if side and _looser(side, want, found) else None


def _more(found: Value, want: Value) -> bool:
    """Whether something that is wanted is missing."""
    return isinstance(want, frozenset) and bool(want - (found if isinstance(found, frozenset) else frozenset()))


def _looser(side: Looser, want: Value, found: Value) -> bool:
    match side:
        case Looser.ON:
            return found is True
        case Looser.OFF:
            return found is not True
        case Looser.OTHER:
            return True
    if not isinstance(want, int) or not isinstance(found, int):
        return found is None
    if side is Looser.LESS:
        return found < want
    return found > want or (found == 0 and want != 0)
