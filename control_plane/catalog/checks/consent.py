"""Data for which people are asked: whose consent is of no use is a mistake."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.declared import Declared
from control_plane.problems import Problem


def check(declared: Declared) -> Iterator[Problem]:
    for scope in declared.scopes:
        one = scope.value
        if one.consent_text is not None and one.consent == "none":
            message = "'consent_text' has no effect: nobody is asked"
            yield scope.problem(message, "consent_text", help="add consent: required, or leave it out")
        if one.consent == "required" and one.disclosure == "open":
            message = "consent is asked for data that are open to everybody"
            note = "Who would not consent, his data can be had all the same: a grant on open data needs nobody's word."
            yield scope.problem(message, "consent", note=note, help="disclosure: limited, or closed")
