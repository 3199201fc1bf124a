"""A certificate authority of the user's own, which signs the certificates of simulators that are served by https."""

import getpass
import os
import ssl
from pathlib import Path

from harness.extras import is_installed, remedy
from simulators.kit.errors import StartError


class OwnAuthority:
    """The authority, kept in the user's state directory, so that a browser has to trust it once. Its key is for the
    user alone. Raises StartError if it cannot be read or made."""

    def __init__(self) -> None:
        if not is_installed("https"):
            raise StartError(f"--https: {remedy('https')}")
        import trustme
        from platformdirs import user_state_path

        folder = user_state_path("crossapp") / "authority"
        self.file = folder / "ca.pem"
        key = folder / "ca-key.pem"
        try:
            if not (self.file.exists() and key.exists()):
                made = trustme.CA(organization_name="crossapp", organization_unit_name=getpass.getuser())
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                _write(key, made.private_key_pem.bytes())
                _write(self.file, made.cert_pem.bytes())
            self._authority = trustme.CA.from_pem(self.file.read_bytes(), key.read_bytes())
        except OSError as error:
            raise StartError(f"--https: {error.filename} cannot be read or written ({error.strerror})") from None
        except ValueError:
            raise StartError(f"--https: {folder} does not hold a certificate and its key; remove it") from None

    def tls(self, *names: str) -> ssl.SSLContext:
        """TLS settings of a server with these names and addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*dict.fromkeys(names)).configure_cert(context)
        return context


def _write(path: Path, content: bytes) -> None:
    new = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)
