"""What is wrong with a connection is named, with the remedy: real TLS servers on this machine."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from harness.connection import Connection, examine
from harness.tls import TlsSettings, tls_context
from tests.harness.certificates import Authority, behind_tls
from tests.harness.hostile import answering, in_thread

_SETTINGS_FRAME = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def connect(url: str, ca_file: Path | str = "", certificate: Path | str = "", *, silent: bool = True) -> Connection:
    return examine(url, TlsSettings(str(ca_file), str(certificate)), seconds=10, silent=silent)


@contextmanager
def tls_server(tls: ssl.SSLContext, first: bytes = b"") -> Iterator[str]:
    """A server that makes handshakes, says something first, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with suppress(OSError), tls.wrap_socket(connection, server_side=True) as secured:
                        secured.sendall(first)
                        secured.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_private_authority_is_trusted_beside_the_public_ones(authority: Authority) -> None:
    with tls_server(authority.server()) as url:
        seen = connect(url, authority.file)
        assert (seen.trouble, seen.tls, seen.issuer) == ("", "TLSv1.3", "Own Authority")
        assert seen.addresses == ("127.0.0.1",)
        assert seen.valid_until is not None
        without = connect(url)
    assert "unknown authority" in without.trouble
    assert "ca_file" in without.remedy
    assert len(tls_context(str(authority.file)).get_ca_certs()) == len(tls_context().get_ca_certs()) + 1


@pytest.mark.parametrize(
    ("names", "days", "trouble", "remedy"),
    [
        (("127.0.0.1",), -1, "has expired", "renew it at the server"),
        (("other.example",), 2, "is for another host", "in url"),
    ],
)
def test_a_bad_certificate_is_named(
    authority: Authority, names: tuple[str, ...], days: int, trouble: str, remedy: str
) -> None:
    with tls_server(authority.server(authority.certificate("bad", names, days))) as url:
        seen = connect(url, authority.file)
    assert trouble in seen.trouble
    assert remedy in seen.remedy


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_demands_a_certificate_is_known(authority: Authority, version: ssl.TLSVersion) -> None:
    tls = authority.server(demands=True)
    tls.minimum_version = tls.maximum_version = version
    with behind_tls("http://127.0.0.1:9", tls) as url:
        assert "client_certificate" in connect(url, authority.file).remedy
        assert connect(url, authority.file, authority.certificate("client"), silent=False).trouble == ""


def test_a_client_certificate_of_another_authority_is_named(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "Another Authority").certificate("client")
    with behind_tls("http://127.0.0.1:9", authority.server(demands=True)) as url:
        assert "refuses client_certificate" in connect(url, authority.file, other).trouble


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_server_with_an_old_tls_alone_is_named(authority: Authority) -> None:
    tls = authority.server()
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with tls_server(tls) as url:
        seen = connect(url, authority.file)
        if "older than 1.2" not in seen.trouble and not ssl.HAS_TLSv1:
            pytest.skip("this OpenSSL speaks no old TLS")
    assert "older than 1.2" in seen.trouble
    assert "TLS 1.2" in seen.remedy


def test_a_server_that_speaks_http_2_alone_is_named(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = authority.server()
    tls.set_alpn_protocols(["h2"])
    with tls_server(tls, _SETTINGS_FRAME) as url:
        monkeypatch.setattr("harness.extras.find_spec", lambda module: None)
        seen = connect(url, authority.file)
        assert (seen.http_2, "HTTP/2 only" in seen.trouble) == (True, True)
        assert "pip install" in seen.remedy
        monkeypatch.setattr("harness.extras.find_spec", lambda module: module)
        assert connect(url, authority.file).trouble == ""


def test_http_and_https_are_told_apart(authority: Authority) -> None:
    with in_thread(answering(b"hello")) as url:
        seen = connect(url.replace("http:", "https:"), authority.file)
        assert "speaks http, not https" in seen.trouble
        assert connect(url).trouble == ""
    with tls_server(authority.server()) as url:
        assert "speaks https, not http" in connect(url.replace("https:", "http:")).trouble
        assert connect(url.replace("https:", "http:"), silent=False).trouble == ""


def test_names_and_ports_that_lead_nowhere_are_named() -> None:
    assert "no address" in connect("https://no-such-name.invalid").trouble
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert f"127.0.0.1:{port} refuses connections" in connect(f"http://127.0.0.1:{port}").trouble


def test_a_server_at_the_other_loopback_address_is_found() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        port = server.getsockname()[1]
        found = connect(f"http://127.0.0.1:{port}")
    assert found.remedy == f"something listens at [::1]:{port}: give this address as url, or let it listen on 127.0.0.1"
