"""Certificates in files of the configuration: PEM, public, so that they may stand in Git. Keys must not.

Whether one has expired is not asked here: that comes with a date and not with a commit, and must not keep anybody from
taking a right away. `doctor` and the plan's next change by date tell it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from control_plane.catalog import files
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.base import Entry
from control_plane.catalog.documents.platform import EnvironmentEntry
from control_plane.catalog.documents.providers import SamlEntry
from control_plane.catalog.documents.upstreams import UpstreamEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import Certificate
from control_plane.problems import Problem

_ONE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def certificate(pem: str) -> Certificate | None:
    """The certificate, with those that follow it; None when the text holds none that can be read."""
    found = _parsed(pem.encode())
    return _of(found) if found else None


def _parsed(content: bytes) -> Sequence[x509.Certificate] | None:
    try:
        with warnings.catch_warnings():  # of certificates that are old in their form, and used all the same
            warnings.simplefilter("ignore")
            return [x509.load_pem_x509_certificate(part) for part in _ONE.findall(content)]
    except ValueError:
        return None


def _of(chain: Sequence[x509.Certificate]) -> Certificate:
    first = chain[0]
    names = first.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        "".join(one.public_bytes(Encoding.PEM).decode() for one in chain).strip(),
        str(names[0].value) if names else first.subject.rfc4514_string(),
        min(one.not_valid_after_utc for one in chain).astimezone(UTC),
        first.fingerprint(hashes.SHA256()).hex(),
    )


def read(declared: Declared, directory: Path) -> Iterator[Problem]:
    """Read the files that upstreams and SAML providers name into `declared.certificates`; what is wrong with them."""
    for environment in declared.environments().values():
        for name, one in (environment.value.upstreams or {}).items():
            if isinstance(one, UpstreamEntry):
                yield from _upstream(declared, directory, environment, environment.part(one, "upstreams", name))
    for tenant in declared.tenants:
        for provider in tenant.identity_providers():
            if provider.value.saml is not None:
                yield from _provider(declared, directory, provider.part(provider.value.saml, "saml"))


def _provider(declared: Declared, directory: Path, where: Located[SamlEntry]) -> Iterator[Problem]:
    found = _file(directory, where, where.value.certificate, "certificate")
    if isinstance(found, Problem):
        yield found
    else:
        declared.certificates[where.value.certificate] = found


def _upstream(
    declared: Declared, directory: Path, environment: Located[EnvironmentEntry], where: Located[UpstreamEntry]
) -> Iterator[Problem]:
    one = where.value
    if one.ca is not None:
        found = _file(directory, where, one.ca, "ca")
        if isinstance(found, Problem):
            yield found
        else:
            declared.certificates[one.ca] = found
            for each in found:
                if not _signs(each):
                    message = f"{one.ca} holds a certificate that is no authority's: {_of([each]).subject}"
                    note = "Without the basic constraint CA it cannot vouch for a server, and Kong does not take it."
                    yield where.problem(
                        message, "ca", note=note, help="name the certificate of who signed the servers'"
                    )
    if one.client_certificate is not None:
        place = ("client_certificate", "certificate")
        found = _file(directory, where, one.client_certificate.certificate, *place)
        if isinstance(found, Problem):
            yield found
        else:
            declared.certificates[one.client_certificate.certificate] = found


def _file(directory: Path, where: Located[Entry], name: str, *place: str) -> Sequence[x509.Certificate] | Problem:
    content = files.read_bytes(directory, name)
    if isinstance(content, Problem):
        help = f"a path is relative to the configuration directory: DIRECTORY/{name}"
        return where.problem(content.message.replace("the file", name, 1), *place, note=content.note, help=help)
    if _KEY.search(content):
        return where.problem(
            f"{name} holds a private key",
            *place,
            note="A key that was in Git is known to everybody who can read it.",
            help="take it out of the file, and make a new pair; a key is named with !secret path#field",
        )
    found = _parsed(content)
    if not found:
        help = "openssl x509 -in FILE -inform DER -out FILE.pem turns DER into PEM"
        return where.problem(f"{name} holds no certificate in PEM", *place, help=help)
    return found


def _signs(one: x509.Certificate) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def authorities(declared: Declared, name: str) -> tuple[Certificate, ...]:
    """Each certificate of the file by itself."""
    return tuple(_of([one]) for one in declared.certificates[name])


def chain(declared: Declared, name: str) -> Certificate:
    """The certificates of the file as one."""
    return _of(declared.certificates[name])
