"""The second factor of a person: by which rule it is asked for, and what is registered."""

from __future__ import annotations

from control_plane.catalog.model import Catalog, MfaMode, User
from control_plane.reports import words
from control_plane.reports.live import Factor, LiveUser
from control_plane.reports.paths import Way, ways
from control_plane.reports.report import Cell, Tone, Word

CODES = "recovery-codes"
CODES_ONLY = Word("recovery-codes-only", "リカバリーコードのみ", "recovery codes only", Tone.BAD)
UNMANAGED = Word("unmanaged", "レルム独自のフローによる（管理外）", "as the realm's own flow asks (not held by Git)")
FACTORS = {  # its name in the language; in Japanese, in English
    "totp": ("ワンタイムパスワード", "one-time password"),
    "passkey": ("パスキー", "passkey"),
    CODES: ("リカバリーコード", "recovery codes"),
}


def demanded(catalog: Catalog, user: User, roles: tuple[Way, ...]) -> Word:
    """Whether the realm asks for a second factor, and by which rule."""
    baseline, zone = catalog.realm_of(user.tenant).baseline, catalog.platform.zone
    asking = sorted({way.role for way in roles if catalog.roles[way.role].mfa})
    if baseline.mfa is MfaMode.UNMANAGED:
        return UNMANAGED
    delegated = catalog.administers(user) or catalog.audits(user)
    if baseline.mfa is MfaMode.BY_ROLE and not asking and not delegated:
        return words.NOT_DEMANDED
    if baseline.exemptions and user.exempt and user.exempt.period.holds(catalog.as_of):
        until = words.text(words.ends(user.exempt.period, zone), "en")
        ja, en = f"免除（{until} まで）: {user.exempt.reason}", f"exempt until {until}: {user.exempt.reason}"
        return Word(f"exempt:{until}", ja, en)
    if baseline.mfa is MfaMode.EVERYONE:
        return Word(
            f"everyone:{baseline.template}",
            f"必須（レルム全員、基準 {baseline.template}）",
            f"required (everyone, template {baseline.template})",
        )
    if not asking:
        return Word("role:delegation", "必須（団体の利用者の管理・監査）", "required (administers or audits people)")
    titles = "、".join(catalog.roles[role].title for role in asking)
    return Word("role:" + ",".join(asking), f"必須（役割: {titles}）", f"required (role: {', '.join(asking)})")


def is_demanded(catalog: Catalog, user: User) -> bool:
    return demanded(catalog, user, ways(catalog, user)).code.startswith(("everyone:", "role:"))


def registered(catalog: Catalog, found: LiveUser | None, wanted: bool, accepted: tuple[str, ...]) -> Cell:
    """Each factor with the day since when; what the list of users tells alone where nobody asked for more."""
    if found is None:
        return None
    if found.factors is None:
        return _by_flag(found, wanted, accepted)
    if not found.factors:
        return words.MFA_MISSING if wanted and found.enabled else words.NOT_REGISTERED
    only = (CODES_ONLY,) if only_codes(found.factors) else ()
    return (*only, *(_told(one, catalog) for one in found.factors))


def only_codes(factors: tuple[Factor, ...]) -> bool:
    """Whether nothing but the codes on paper opens the account: they are soon used up."""
    return {one.kind for one in factors} == {CODES}


def _by_flag(found: LiveUser, wanted: bool, accepted: tuple[str, ...]) -> Word:
    """Only one-time passwords are seen in Keycloak's list of users: who has none may still have a passkey."""
    if found.otp_registered:
        return words.REGISTERED
    if found.otp_registered is None or "passkey" in accepted:
        return words.UNKNOWN
    return words.MFA_MISSING if wanted and found.enabled else words.NOT_REGISTERED


def _told(one: Factor, catalog: Catalog) -> Word:
    ja, en = FACTORS[one.kind]
    if one.since is None:
        return Word(one.kind, ja, en, Tone.GOOD)
    day = one.since.astimezone(catalog.platform.zone).date().isoformat()
    return Word(f"{one.kind}:{day}", f"{ja}（{day} から）", f"{en} (since {day})", Tone.GOOD)
