"""How certificates are checked, and which one is shown."""

import ssl
from dataclasses import dataclass
from functools import lru_cache

import certifi


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Files of certificates (PEM), as `tls_context` takes them."""

    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""

    def context(self, *, http_2: bool = False) -> ssl.SSLContext:
        """The settings for requests. Those by HTTP/2 have a context of their own: httpcore writes into it which
        protocols it offers. Raises OSError."""
        return tls_context(self.ca_file, self.client_certificate, self.client_key, http_2)


PUBLIC = TlsSettings()
"""Public authorities alone, and no certificate of our own."""


@lru_cache(maxsize=8)  # reading the public authorities takes a tenth of a second
def tls_context(
    ca_file: str = "", client_certificate: str = "", client_key: str = "", _http_2: bool = False
) -> ssl.SSLContext:
    """Settings of TLS for requests: the public authorities (certifi's and this system's) and those of `ca_file`.
    `client_certificate` is shown to servers that demand one; its key is in the same file, or in `client_key`. All are
    PEM files. Raises OSError, of which ssl.SSLError is a kind."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    if ca_file:
        context.load_verify_locations(ca_file)
    if client_certificate:
        # Asked on the terminal, a run in the background would hang.
        context.load_cert_chain(client_certificate, client_key or None, password=lambda: b"")
    return context
