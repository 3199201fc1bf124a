"""A certificate authority of nobody's, for tests of servers on 127.0.0.1."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def own_authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A file with the certificate of a server on 127.0.0.1, signed by itself, and the server's TLS settings. Skips the
    test where there is no openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl, to make a certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return certificate, tls
