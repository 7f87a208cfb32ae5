"""Authentication: a key, a token of the tenant's realm, or either. Open data has none, retired versions need none.

A key is taken from the header alone and not passed on; a token from the header alone. Where either may be used, each
plugin lets a call without its credential pass as the anonymous consumer, who is in no acl group: acl answers 401
(contract: proxy-multi-auth). The jwt plugin proves signature and `exp`; whose token for what it is the guard looks at.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Auth
from control_plane.kong import naming
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing, either

KEY_HEADER = "apikey"


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if not one.live:
        return
    auth = one.api.auth
    anonymous = naming.anonymous_name(gateway.catalog.platform.name) if either(auth) else None
    if Auth.API_KEY in auth:
        yield _plugin(
            one,
            "key-auth",
            {
                "key_names": [KEY_HEADER],
                "key_in_header": True,
                "key_in_query": False,
                "key_in_body": False,
                "hide_credentials": True,
                "anonymous": anonymous,
                "run_on_preflight": True,
            },
        )
    if Auth.TOKEN in auth:
        yield _plugin(
            one,
            "jwt",
            {
                "key_claim_name": "azp",
                "claims_to_verify": ["exp"],
                "header_names": ["Authorization"],
                "uri_param_names": [],
                "cookie_names": [],
                "secret_is_base64": False,
                "anonymous": anonymous,
                "run_on_preflight": True,
            },
        )


def _plugin(one: Standing, name: str, config: dict[str, object]) -> Plugin:
    return Plugin(name, config, one.api.origin, one.belongs, within=one.name, service=one.name)
