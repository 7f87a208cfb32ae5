"""The login flows of people who come through an identity provider.

Keycloak asks nobody who comes through one for the second factor of the realm's own flow: the forms of that flow are
passed over. So each provider has a flow after the login over there, which asks as the realm's own does.

    first-login-existing   an account of this e-mail address or name must be here, and the person proves that it is his
    first-login-create     the same, and who has no account gets one
    after-provider         the second factor, at every login

The proof is the password and the second factor of the account: equal addresses alone are none, for whoever administers
the provider chooses what it says. It stands before the link is made, and a factor that was shown for it is not asked
for again. Nobody reviews a profile on the way: who changed the address there would get a second account.

Where services ask for the second level of a login (`assurance: 2`), the login over there is the first level, and a
factor that was shown here is the second.

The last step of `after-provider` lets pass; without it Keycloak locks out everybody whom the conditions leave out.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, FirstLogin, Realm, RealmBaseline
from control_plane.keycloak import logins
from control_plane.keycloak.flowtree import ALTERNATIVE, REQUIRED, Execution, Flow, Step, SubFlow

FOUND = Step("idp-detect-existing-broker-user", REQUIRED)
MADE = Step("idp-create-user-if-unique", ALTERNATIVE)
PASSWORD = Step("idp-username-password-form", REQUIRED)


def of(catalog: Catalog, realm: Realm) -> Iterator[Flow]:
    """The flows that the realm's providers need, each once; none where nobody comes through one."""
    ways = {one.first_login for one in catalog.identity_providers(realm.name)}
    for way in sorted(ways):
        yield first_login(realm, way)
    if ways:
        yield after_provider(realm)


def first_login(realm: Realm, way: FirstLogin) -> Flow:
    baseline = realm.baseline
    factor = logins.second_factor(baseline, logins.conditions(baseline), "second factor", "first enrolment")
    proof: tuple[Execution, ...] = (PASSWORD, *factor)
    match way:
        case FirstLogin.EXISTING_ONLY:
            return Flow("first-login-existing", (FOUND, *proof))
        case FirstLogin.CREATE:
            return Flow("first-login-create", (MADE, SubFlow("proof", ALTERNATIVE, proof)))


def after_provider(realm: Realm) -> Flow:
    baseline = realm.baseline
    asked = (*logins.conditions(baseline), logins.not_shown(baseline))
    factor = logins.second_factor(baseline, asked, "second factor", "first enrolment")
    return Flow("after-provider", (*factor, *_levels(baseline), logins.PASS))


def _levels(baseline: RealmBaseline) -> tuple[Execution, ...]:
    """As after the password: without them a service that asks for the second level would get a login of none."""
    if baseline.step_up is None:
        return ()
    return logins.first_level(baseline, (logins.PASS,)), logins.second_level(baseline)
