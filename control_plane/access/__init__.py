"""Who may do what, and which lines of the YAML say so. Computed from the catalog alone, no server is asked.

    requests   what is asked, and what is answered
    paths      the path of a request as the gateway sees it
    levels     which level a call belongs to
    evaluate   one request, decided
    credentials, callers   what a caller shows, and who that makes him
    limits     how often
    holders    everybody who may
    names      words of the command line as names of the catalog
    document   answers as plain data: the JSON that `--json` prints

This is the language's meaning written down a second time, from its documentation. It imports the catalog and problems
and nothing else, above all nothing of the compiler to Kong, so that a test can hold one against the other.
"""

from control_plane.access.evaluate import evaluate
from control_plane.access.holders import Holder, holders
from control_plane.access.requests import ApiKey, Because, Credentials, Decision, Limit, Request, Token

__all__ = [
    "ApiKey",
    "Because",
    "Credentials",
    "Decision",
    "Holder",
    "Limit",
    "Request",
    "Token",
    "evaluate",
    "holders",
]
