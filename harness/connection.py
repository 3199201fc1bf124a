"""What stands between this machine and an application: the name, the port, TLS. Sends no request of HTTP but where a
port does not speak TLS: it is then asked whether it speaks HTTP (OPTIONS *)."""

import socket
import ssl
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from harness.extras import command, is_installed
from harness.tls import TlsSettings

_PORTS = {"http": 80, "https": 443}
_EXPIRED, _NOT_YET_VALID = 10, 9
_OTHER_NAME = (62, 64)
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
"""OpenSSL's verification codes (x509_vfy.h): no issuer, self-signed, the same in a chain, no local issuer, one only."""
_WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "UNKNOWN_CA", "EOF", "reset")
"""Alerts of a server that got no client certificate, or one that it does not know (RFC 8446, 6.2; RFC 5246, 7.2.2), and
the end of a connection without an alert."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
OLD_VERSIONS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
_HTTP_1, _HTTP_2 = "http/1.1", "h2"
_SETTINGS = b"\x04"
"""The type of the frame with which an HTTP/2 server begins (RFC 9113, 3.4)."""
IS_IT_RUNNING = "check that it runs"
"""How the remedy begins where nothing listens."""
_PAUSE = 1.0
"""Seconds in which a server that refuses a client after the handshake says so."""


class Trouble(NamedTuple):
    """What is wrong with a connection, and the remedy, with the field of the deployment file."""

    what: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """How far a connection came. `addresses`: of the host; `tls`: the version of TLS; `valid_until`: when the
    certificate expires, Unix seconds; `issuer`: who signed it; `http_2`: whether the server speaks nothing else;
    `trouble` and `remedy`: empty where all is well."""

    addresses: tuple[str, ...] = ()
    tls: str = ""
    valid_until: float | None = None
    issuer: str = ""
    http_2: bool = False
    trouble: str = ""
    remedy: str = ""


class _BrokenError(Exception):
    """The connection does not come about."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.trouble = Trouble(what, remedy)


def examine(url: str, tls: TlsSettings, *, seconds: float, silent: bool) -> Connection:
    """Connect to the host of a base URL, with a TLS handshake if it is https, and close the connection again.

    `seconds`: time-out of each step; `silent`: requests to this URL get no response, so more is tried to find out why.
    Blocks.
    """
    has_certificate = bool(tls.client_certificate)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    addresses: tuple[str, ...] = ()
    try:
        addresses = _resolved(host, port)
        if parts.scheme == "http":
            _connected(host, port, seconds).close()
            what, remedy = _tls_on_a_plain_port(url, seconds) if silent else Trouble()
            return Connection(addresses, trouble=what, remedy=remedy)
        http_2 = bool(speaks_only_http_2(url, tls, seconds=seconds))
        context = tls.context(http_2=http_2)
        if http_2:
            context.set_alpn_protocols([_HTTP_2])
        with _secured(host, port, context, seconds, has_certificate=has_certificate) as secured:
            until, issuer = _certificate(secured)
            after = Trouble()
            if silent:
                after = _after_the_handshake(host, secured, has_certificate=has_certificate)
            if silent and http_2 and not is_installed("http2"):
                after = _http_2_only(host)
            return Connection(addresses, secured.version() or "", until, issuer, http_2, *after)
    except _BrokenError as broken:
        return Connection(addresses, trouble=broken.trouble.what, remedy=broken.trouble.remedy)


def _resolved(host: str, port: int) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not valid"
        raise _BrokenError(
            f"the name {host} has no address ({why})", "correct url, or the DNS of this machine"
        ) from None
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


def _connected(host: str, port: int, seconds: float) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=seconds)
    except TimeoutError:
        raise _BrokenError(
            f"no connection to {host}:{port} within {seconds:g} s",
            "see whether a firewall drops it; where only a proxy leads there, name it as proxy",
        ) from None
    except OSError as error:
        refuses = isinstance(error, ConnectionRefusedError)
        raise _BrokenError(
            f"{host}:{port} refuses connections" if refuses else f"no connection to {host}:{port} ({error.strerror})",
            _at_the_other_loopback(host, port) or f"{IS_IT_RUNNING}, and that url is correct",
        ) from None


def _at_the_other_loopback(host: str, port: int) -> str:
    """What to do where a server listens on the loopback address of the other IP version only, as `vite dev` may."""
    for other in {"localhost": ("[::1]", "127.0.0.1"), "127.0.0.1": ("[::1]",), "::1": ("127.0.0.1",)}.get(host, ()):
        try:
            socket.create_connection((other.strip("[]"), port), timeout=1).close()
        except OSError:
            continue
        return f"something listens at {other}:{port}: give this address as url, or let it listen on {host}"
    return ""


def _secured(host: str, port: int, context: ssl.SSLContext, seconds: float, *, has_certificate: bool) -> ssl.SSLSocket:
    plain = _connected(host, port, seconds)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise _BrokenError(*_certificate_refused(host, error)) from None
    except OSError as error:
        plain.close()
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise _BrokenError(*_no_handshake(host, port, reason, seconds, has_certificate=has_certificate)) from None


def _certificate(secured: ssl.SSLSocket) -> tuple[float | None, str]:
    """Until when the server's certificate is valid (Unix seconds), and who signed it."""
    found: dict[str, Any] = dict(secured.getpeercert() or {})
    issuer = {name: text for part in found.get("issuer", ()) for name, text in part}
    until = ssl.cert_time_to_seconds(found["notAfter"]) if "notAfter" in found else None
    return until, str(issuer.get("organizationName") or issuer.get("commonName") or "")


def _certificate_refused(host: str, error: ssl.SSLCertVerificationError) -> Trouble:
    said = error.verify_message.rstrip(".")
    if error.verify_code == _EXPIRED:
        return Trouble(f"the certificate of {host} has expired", "renew it at the server, or set this machine's clock")
    if error.verify_code == _NOT_YET_VALID:
        return Trouble(
            f"the certificate of {host} is not valid yet", "set this machine's clock, or renew it at the server"
        )
    if error.verify_code in _OTHER_NAME:
        return Trouble(
            f"the certificate is for another host ({said})", "write a host in url that it is for, or renew it"
        )
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return Trouble(
            f"the certificate of {host} is of an unknown authority ({said})",
            "name the file of that authority's certificates as ca_file",
        )
    return Trouble(f"the certificate of {host} is refused ({said})", "renew it at the server")


def _no_handshake(host: str, port: int, reason: str, seconds: float, *, has_certificate: bool) -> Trouble:
    """Why there is no TLS, found out by other handshakes."""
    if any(each in reason for each in _NO_TLS) or _speaks_http(host, port):
        return Trouble(f"{host}:{port} speaks http, not https", "write http:// in url, or name the port of https")
    url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    if any(handshake(url, seconds=seconds, version=each) for each in OLD_VERSIONS):
        return Trouble(
            f"{host} speaks only TLS older than 1.2, which browsers refuse as well",
            "enable TLS 1.2 or 1.3 at the server",
        )
    if any(each in reason for each in _WANTS_CERTIFICATE):
        return _wants_certificate(host, reason, has_certificate=has_certificate)
    return Trouble(f"no TLS connection to {host}:{port} ({reason})", "check that url names the port of https")


def _http_2_only(host: str) -> Trouble:
    return Trouble(f"{host} speaks HTTP/2 only", f"{command('http2')}, or let it take HTTP/1.1, too")


def _wants_certificate(host: str, reason: str, *, has_certificate: bool) -> Trouble:
    if has_certificate:
        return Trouble(f"{host} refuses client_certificate ({reason})", "name one of an authority that it trusts")
    return Trouble(
        f"{host} ends the connection ({reason}), as servers do that demand a client certificate",
        "name its file as client_certificate",
    )


def speaks_only_http_2(url: str, tls: TlsSettings, *, seconds: float) -> bool | None:
    """Whether the server at an https URL takes HTTP/2 (by ALPN) and not HTTP/1.1; None where no handshake comes about.
    Blocks."""

    def takes(protocol: str = "") -> bool:
        certificate, key = tls.client_certificate, tls.client_key
        return handshake(url, seconds=seconds, protocol=protocol, certificate=certificate, key=key)

    if takes(_HTTP_1):
        return False
    if takes(_HTTP_2):
        return True
    return False if takes() else None


def handshake(
    url: str,
    *,
    seconds: float,
    version: ssl.TLSVersion | None = None,
    protocol: str = "",
    certificate: str = "",
    key: str = "",
) -> bool:
    """Whether a handshake with the host of a URL succeeds, whatever the server's certificate: with exactly this version
    of TLS, with this protocol (ALPN), or with any. `certificate`, `key`: files of the client's own. Blocks."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate, key or None)
    if version is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # an old version is meant
            context.minimum_version = context.maximum_version = version
    if protocol:
        context.set_alpn_protocols([protocol])
    try:
        with (
            socket.create_connection((host, port), timeout=seconds) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return not protocol or secured.selected_alpn_protocol() == protocol
    except OSError:
        return False


def _speaks_http(host: str, port: int) -> bool:
    """Whether a port answers a request in plain text."""
    try:
        with socket.create_connection((host, port), timeout=_PAUSE) as plain:
            plain.sendall(b"OPTIONS * HTTP/1.0\r\n\r\n")
            return plain.recv(5) == b"HTTP/"
    except OSError:
        return False


def _tls_on_a_plain_port(url: str, seconds: float) -> Trouble:
    if not handshake(url, seconds=min(seconds, _PAUSE)):
        return Trouble()
    return Trouble(f"{urlsplit(url).netloc} speaks https, not http", "write https:// in url")


def _after_the_handshake(host: str, secured: ssl.SSLSocket, *, has_certificate: bool) -> Trouble:
    """What is wrong with a connection that a server ends, or on which it speaks first."""
    secured.settimeout(_PAUSE)
    try:
        first = secured.recv(9)
    except TimeoutError:
        return Trouble()
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
        return _wants_certificate(host, str(reason), has_certificate=has_certificate)
    if first[3:4] == _SETTINGS:
        return Trouble() if secured.selected_alpn_protocol() == _HTTP_2 else _http_2_only(host)
    return Trouble() if first else _wants_certificate(host, "it is closed", has_certificate=has_certificate)
