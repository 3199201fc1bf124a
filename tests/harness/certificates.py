"""Certificate authorities of nobody's, and a server before an application that shows their certificates."""

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import trustme

_HERE = ("127.0.0.1", "localhost")


class Authority:
    """A certificate authority whose files are in a folder; `file` is its certificate."""

    def __init__(self, folder: Path, name: str = "Own Authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._authority = folder, trustme.CA(organization_name=name)
        self.file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def certificate(self, name: str = "server", names: Sequence[str] = _HERE, days: int = 2) -> Path:
        """A file with a certificate for these names and its key; negative `days`: it has expired."""
        now = datetime.now(UTC)
        ends = now + timedelta(days=days)
        made = self._authority.issue_cert(*names, not_before=min(now, ends) - timedelta(days=1), not_after=ends)
        whole = self._folder / f"{name}.pem"
        made.private_key_and_cert_chain_pem.write_to_path(whole)
        return whole

    def server(self, certificate: Path | None = None, *, demands: bool = False) -> ssl.SSLContext:
        """TLS settings of a server with a certificate (default: a good one); `demands`: one of its clients, too."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate or self.certificate())
        if demands:
            tls.verify_mode = ssl.CERT_REQUIRED
            tls.load_verify_locations(self.file)
        return tls


def own_authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A file with the certificate of an authority, and TLS settings of a server on 127.0.0.1 that it signed."""
    authority = Authority(folder)
    return authority.file, authority.server()


@contextmanager
def behind_tls(upstream: str, tls: ssl.SSLContext, base: str = "") -> Iterator[str]:
    """A small reverse proxy before an application at the URL `upstream`, which takes TLS connections on a free port and
    removes the path prefix `base`; other paths get a 404. Yields its base URL. One request for each connection."""
    to = urlsplit(upstream)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # Not asyncio's TLS, which closes before a client has read why.
            with suppress(OSError), tls.wrap_socket(self.request, server_side=True) as client:
                head, rest = _head(client)
                lines = head.split(b"\r\n")
                method, path, version = lines[0].split(b" ", 2)
                if base and not path.startswith(base.encode() + b"/"):
                    client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                while len(rest) < _length(lines):
                    rest += client.recv(65_536) or _left()
                kept = [each for each in lines[1:] if not each.lower().startswith(b"connection:")]
                lines = [b" ".join((method, path[len(base) :], version)), *kept, b"Connection: close"]
                with socket.create_connection((to.hostname or "", to.port or 80)) as server:
                    server.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + rest)
                    while True:
                        readable, _, _ = select.select([server, client], [], [])
                        data = readable[0].recv(65_536)
                        if readable[0] is client or not data:
                            break
                        client.sendall(data)

    class Front(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

    with Front(("127.0.0.1", 0), Handler) as front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"https://127.0.0.1:{front.server_address[1]}{base}"
        finally:
            front.shutdown()
            thread.join()


def _head(client: ssl.SSLSocket) -> tuple[bytes, bytes]:
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += client.recv(65_536) or _left()
    head, _, rest = seen.partition(b"\r\n\r\n")
    return head, rest


def _length(lines: list[bytes]) -> int:
    return next((int(each[15:]) for each in lines if each.lower().startswith(b"content-length:")), 0)


def _left() -> bytes:
    raise OSError("the client left")
