"""Makes a certificate authority and the certificates of a cluster's processes (X.509, ECDSA)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from search.errors import UserError
from search.executors.cluster.settings import TlsFiles
from search.files import machine_failures
from search.text import printable

_CLOCK_SKEW = timedelta(hours=1)  # machines of a cluster may disagree by less
_CONNECTS, _LISTENS = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@final
@dataclass(frozen=True)
class Role:
    """A process of a cluster; with another's certificate it is turned away.

    Attributes:
        name: What its files are called.
        usages: What its certificate is valid for. Scheduler and workers connect to each other,
            and listen; the process that runs a search only connects.
    """

    name: str
    usages: tuple[x509.ObjectIdentifier, ...]


ROLES = (
    Role("scheduler", (_LISTENS, _CONNECTS)),
    Role("worker", (_LISTENS, _CONNECTS)),
    Role("client", (_CONNECTS,)),
)


def make_certificates(folder: Path, days: int) -> None:
    """Write a new authority's certificate and key, and those of each of `ROLES`.

    The keys can be read by their owner only. The authority's key is not kept: nobody can add
    certificates later.

    Args:
        folder: Where they are written; created if need be.
        days: How long they are valid.

    Raises:
        UserError: The folder has certificates.
        MachineError: It cannot be written.
    """
    files = [TlsFiles.of(folder, role.name) for role in ROLES]
    _check_absent([files[0].ca, *(path for one in files for path in (one.cert, one.key))])
    authority = _Authority(days)
    hint = "give another folder, or make room in this one"
    with machine_failures(f"the certificates in {folder} cannot be written", hint):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for role, paths in zip(ROLES, files, strict=True):
            key = ec.generate_private_key(ec.SECP256R1())
            _write_key(paths.key, key)
            paths.cert.write_bytes(authority.sign(role, key).public_bytes(Encoding.PEM))
        files[0].ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))


def _check_absent(paths: Sequence[Path]) -> None:
    known = next((path for path in paths if os.path.lexists(path)), None)
    if known is not None:
        raise UserError(
            f"folder: {printable(repr(str(known)))} exists; accepted: a folder without certificates"
        )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


@final
class _Authority:
    """A certificate authority for the certificates of one cluster."""

    def __init__(self, days: int) -> None:
        now = datetime.now(UTC)
        self._valid = (now - _CLOCK_SKEW, now + timedelta(days=days))
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("cifar-search certificate authority")
        usage = x509.KeyUsage(
            key_cert_sign=True,
            crl_sign=True,
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        self._key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        self.certificate = builder.sign(self._key, hashes.SHA256())

    def sign(self, role: Role, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        """Return the certificate of a role with this key."""
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._key_id)
        builder = (
            self._builder(_name(f"cifar-search {role.name}"), key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(role.usages), critical=True)
            .add_extension(issuer, critical=False)
        )
        return builder.sign(self._key, hashes.SHA256())

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._valid[0])
            .not_valid_after(self._valid[1])
            .add_extension(identifier, critical=False)
        )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
