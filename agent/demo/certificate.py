"""A self-signed certificate for the page on the local network: browsers give no microphone without."""

import datetime
import ipaddress
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.private_files import make_state_dir, write_private

__all__ = ["CertificateFiles", "ensure_certificate", "make_certificate", "tls_context"]

VALID_DAYS = 30
_RENEW_BEFORE = datetime.timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class CertificateFiles:
    """Paths of the certificate and of its key, PEM."""

    certificate: Path
    key: Path


def ensure_certificate(folder: Path, address: str, now: datetime.datetime) -> CertificateFiles:
    """The certificate for `address` in `folder`, kept from the last time while it is good.

    Keeping it spares people from accepting a new one on their phones at each start.
    """
    files = CertificateFiles(certificate=folder / "certificate.pem", key=folder / "key.pem")
    if not _is_good(files, address, now):
        make_state_dir(folder)
        certificate, key = make_certificate(address, now)
        write_private(files.key, key)
        write_private(files.certificate, certificate)
    os.chmod(files.key, 0o600)
    return files


def make_certificate(address: str, now: datetime.datetime) -> tuple[bytes, bytes]:
    """A new certificate for `address`, 127.0.0.1 and localhost, and its key, both PEM.

    It is valid from an hour before `now` (clocks of phones differ) for 30 days.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Parley demo")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(address)), critical=False)
        # Not an authority: whoever trusts it trusts these names only.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), pem


def tls_context(files: CertificateFiles) -> ssl.SSLContext:
    """What an HTTPS server needs."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    return context


def _names(address: str) -> list[x509.GeneralName]:
    addresses = dict.fromkeys([address, "127.0.0.1"])
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
    return [*names, x509.DNSName("localhost")]


def _is_good(files: CertificateFiles, address: str, now: datetime.datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), password=None)
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    names = extension.value.get_values_for_type(x509.IPAddress)
    return (
        ipaddress.ip_address(address) in names
        and certificate.not_valid_before_utc <= now
        and now + _RENEW_BEFORE < certificate.not_valid_after_utc
        and certificate.public_key() == key.public_key()
    )
