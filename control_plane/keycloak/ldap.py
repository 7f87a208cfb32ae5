"""What a directory is to Keycloak: the settings of its LDAP provider, and the mappers by which an entry is a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Directory, Vendor
from control_plane.engine.values import canonical

ENABLED = "enabled"
FIXED = {
    "priority": "0",
    "authType": "simple",
    "editMode": "READ_ONLY",
    "importEnabled": "true",
    "syncRegistrations": "false",
    "searchScope": "2",  # the whole tree below
    "pagination": "true",
    "trustEmail": "false",  # what the directory says of an address is not proven here
    "allowKerberosAuthentication": "false",
    "useKerberosForPasswordAuthentication": "false",
    "validatePasswordPolicy": "false",  # the directory's own holds
    "useTruststoreSpi": "always",
    "startTls": "false",
    "cachePolicy": "DEFAULT",
    "connectionTimeout": "5000",  # milliseconds
    "readTimeout": "10000",
    "fullSyncPeriod": "-1",  # people are read when they come
    "changedSyncPeriod": "-1",
}
HARMLESS = frozenset({"krbPrincipalAttribute", "lastSync", "batchSizeForSync", "connectionTrace"})
VENDORS: Mapping[Vendor, Mapping[str, str]] = {
    Vendor.ACTIVE_DIRECTORY: {
        "vendor": "ad",
        "usernameLDAPAttribute": "sAMAccountName",
        "rdnLDAPAttribute": "cn",
        "uuidLDAPAttribute": "objectGUID",
        "userObjectClasses": "person, organizationalPerson, user",
    },
    Vendor.OTHER: {
        "vendor": "other",
        "usernameLDAPAttribute": "uid",
        "rdnLDAPAttribute": "uid",
        "uuidLDAPAttribute": "entryUUID",
        "userObjectClasses": "inetOrgPerson, organizationalPerson",
    },
}
ASKED = ("connectionUrl", "usersDn", "bindDn", "customUserSearchFilter")
KNOWN = (*FIXED, *VENDORS[Vendor.OTHER], *ASKED, ENABLED)


def settings(one: Directory) -> dict[str, str | None]:
    return {
        **FIXED,
        **VENDORS[one.vendor],
        **({"usernameLDAPAttribute": one.username} if one.username else {}),
        "connectionUrl": one.url,
        "usersDn": one.users,
        "bindDn": one.bind,
        "customUserSearchFilter": one.filter,
        ENABLED: "true",
    }


def mappers(one: Directory, group: str) -> Iterator[str]:
    """What becomes of an entry: the names of the account, and the group, by its path, that everybody stands in."""
    # The user name, as it was when the account came: it does not follow a change over there.
    username = str(settings(one)["usernameLDAPAttribute"])
    yield _attribute("username", "username", username, mandatory=True, follows=False)
    yield _attribute("email", "email", "mail", mandatory=False, follows=True)
    yield _attribute("last name", "lastName", "sn", mandatory=True, follows=True)
    yield _attribute("first name", "firstName", "givenName", mandatory=False, follows=True)
    if one.vendor is Vendor.ACTIVE_DIRECTORY:  # who is disabled over there is disabled here
        config = {"always.read.enabled.value.from.ldap": "true"}
        yield line("state of the account", "msad-user-account-control-mapper", config)
    yield line("group", "hardcoded-ldap-group-mapper", {"group": group})


def _attribute(name: str, field: str, attribute: str, *, mandatory: bool, follows: bool) -> str:
    config = {
        "ldap.attribute": attribute,
        "user.model.attribute": field,
        "read.only": "true",
        "is.mandatory.in.ldap": str(mandatory).lower(),
        "always.read.value.from.ldap": str(follows).lower(),
    }
    return line(name, "user-attribute-ldap-mapper", config)


def line(name: str, sort: str, config: Mapping[str, str]) -> str:
    return canonical({"name": name, "providerId": sort, "config": dict(config)})
