"""What a realm template can say reaches Keycloak: no word of the language is sent as it stands."""

from __future__ import annotations

import pytest

from control_plane.catalog.documents.realms import (
    BruteForceEntry,
    HeadersEntry,
    LoginEntry,
    PasswordEntry,
    ThemesEntry,
    TokensEntry,
)
from control_plane.catalog.documents.templates import MfaEntry, OtpEntry, PasskeyEntry
from control_plane.keycloak.baseline import BRUTE_FORCE, HEADERS, LOGIN, OTP, PASSKEY, PASSWORD, THEMES, TOKENS
from control_plane.keycloak.logins import FACTORS


@pytest.mark.parametrize(
    ("section", "names"),
    [
        (PasswordEntry, PASSWORD),
        (BruteForceEntry, BRUTE_FORCE),
        (TokensEntry, TOKENS),
        (LoginEntry, LOGIN),
        (ThemesEntry, THEMES),
        (HeadersEntry, HEADERS),
        (OtpEntry, OTP),
        (PasskeyEntry, PASSKEY),
    ],
)
def test_every_setting_of_a_section_has_a_name_in_keycloak(section, names):
    assert sorted(section.model_fields.keys() - names.keys()) == []


def test_every_factor_has_an_authenticator():
    words = MfaEntry.model_json_schema()["properties"]["factors"]["anyOf"][0]["items"]["enum"]
    assert set(words) == set(FACTORS)
