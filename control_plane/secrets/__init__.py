"""Where the values of secrets stand, and the one document that says which values those are.

    store   what a secret store can do; the names of paths and fields
    files   a directory of files that only we may read: the sandbox, and one machine alone
    vault   HashiCorp Vault and OpenBao, KV version 2
    book    the index: a keyed digest for every secret that we made, so that a plan reads no secret

Here belongs what handles a secret's value before it is sent to a server. Not here: which secrets there are (the
targets ask for them by reference), what Keycloak or Kong does with them, printing.
"""

from __future__ import annotations

from pathlib import Path

from control_plane.catalog.model import FileSecretsSettings, VaultSettings
from control_plane.secrets.book import Book, Discrepancy
from control_plane.secrets.files import Files
from control_plane.secrets.store import Store, credential

__all__ = ["Book", "Discrepancy", "Files", "Store", "credential", "open_store"]


def open_store(settings: VaultSettings | FileSecretsSettings, directory: Path) -> Store:
    """The store of an environment; `directory` is the configuration's, which a relative path starts from.

    Nothing is read, made or connected to yet. Raises ConfigurationError when Vault's token or AppRole is not in the
    process's environment.
    """
    match settings:
        case FileSecretsSettings():
            return Files(directory / settings.directory)
        case VaultSettings():
            from control_plane.secrets.vault import Vault  # hvac takes a while to import, and files do without it

            return Vault(settings)
