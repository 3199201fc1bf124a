"""How certificates are checked, and which one is shown."""

import ssl
from functools import lru_cache

import certifi


@lru_cache(maxsize=8)  # reading the public authorities takes a tenth of a second
def tls_context(ca_file: str = "", client_certificate: str = "", client_key: str = "") -> ssl.SSLContext:
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
