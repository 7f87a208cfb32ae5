"""Directories: people whom an LDAP server or an Active Directory of a tenant knows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.words import Id, LdapFilter, LdapUrl, Secret, Text


class DirectoryEntry(Entry):
    """A directory whose people sign in with its passwords. It is read, and never written to."""

    directory: Id = Field(description="The id, unique in the realm.")
    title: Text = Field(description="What Keycloak's console calls it.")
    url: LdapUrl = Field(description="Where it answers; by TLS, except on the loopback.")
    vendor: Literal["active-directory", "other"] = Field(
        description="Says which attributes hold user name, given name and the id that stays."
    )
    bind: Text = Field(description="The distinguished name of an account that may read the people, and no more.")
    password: Secret = Field(description="!secret path#field, of that account.")
    users: Text = Field(description="The distinguished name below which the people are.")
    filter: LdapFilter | None = Field(None, description="Who of them may come in; left out: all.")
    username: Text | None = Field(None, description="The attribute that is the user name; left out: the vendor's.")
    group: Id | None = Field(
        None, description="Of the tenant: everybody stands in it, with its roles. Left out: in the tenant's own."
    )
