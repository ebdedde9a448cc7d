import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from agent.demo.certificate import CertificateFiles, ensure_certificate, make_certificate

NOW = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
ADDRESS = "192.168.1.20"


def load(files: CertificateFiles) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes())


def test_it_is_for_the_network_address_and_this_machine_only() -> None:
    certificate = x509.load_pem_x509_certificate(make_certificate(ADDRESS, NOW)[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address(ADDRESS),
        ipaddress.ip_address("127.0.0.1"),
    ]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_it_is_a_server_certificate_and_no_authority() -> None:
    certificate = x509.load_pem_x509_certificate(make_certificate(ADDRESS, NOW)[0])
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert not basic.ca
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_it_is_valid_for_thirty_days() -> None:
    certificate = x509.load_pem_x509_certificate(make_certificate(ADDRESS, NOW)[0])
    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc == NOW + 30 * DAY


def test_its_key_is_private_and_belongs_to_it(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path / "lan", ADDRESS, NOW)
    key = load_pem_private_key(files.key.read_bytes(), password=None)
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lan").stat().st_mode & 0o777 == 0o700
    assert key.public_key() == load(files).public_key()


def test_it_is_kept_while_it_is_good(tmp_path: Path) -> None:
    first = load(ensure_certificate(tmp_path, ADDRESS, NOW))
    assert load(ensure_certificate(tmp_path, ADDRESS, NOW + 20 * DAY)) == first


def test_a_new_one_is_made_before_the_old_one_ends(tmp_path: Path) -> None:
    first = load(ensure_certificate(tmp_path, ADDRESS, NOW))
    assert load(ensure_certificate(tmp_path, ADDRESS, NOW + 29 * DAY)) != first


def test_a_new_one_is_made_for_another_address(tmp_path: Path) -> None:
    first = load(ensure_certificate(tmp_path, ADDRESS, NOW))
    assert load(ensure_certificate(tmp_path, "10.0.0.7", NOW)) != first


def test_a_broken_file_or_a_foreign_key_is_replaced(tmp_path: Path) -> None:
    files = ensure_certificate(tmp_path, ADDRESS, NOW)
    files.key.write_bytes(make_certificate(ADDRESS, NOW)[1])
    files = ensure_certificate(tmp_path, ADDRESS, NOW)
    key = load_pem_private_key(files.key.read_bytes(), password=None)
    assert key.public_key() == load(files).public_key()
    files.certificate.write_text("nonsense")
    assert load(ensure_certificate(tmp_path, ADDRESS, NOW)).not_valid_after_utc > NOW
