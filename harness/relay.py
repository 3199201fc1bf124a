"""A SOCKS 5 proxy (RFC 1928) on this machine that can cut the network of one browser context.

A browser's own offline mode keeps open streams open; a real loss of the network does not.
"""

import asyncio
import contextlib
import ipaddress
import struct

_REFUSED = b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"
_GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
_CHUNK = 65_536


class Relay:
    """Forwards connections until `cut`, and again after `mend`."""

    def __init__(self) -> None:
        self._whole = True
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen on a free port of 127.0.0.1; returns the URL of the proxy."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"socks5://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        self.cut()
        if self._serving:
            await asyncio.wait(self._serving)

    def cut(self) -> None:
        """Drop every connection, and refuse new ones."""
        self._whole = False
        for each in list(self._open):
            each.transport.abort()

    def mend(self) -> None:
        """Forward connections again."""
        self._whole = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a server serves in tasks"
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._open.add(writer)
        try:
            host, port = await _asked(reader, writer)
            if not self._whole:
                writer.write(_REFUSED)
                return
            try:
                there_reader, there = await asyncio.open_connection(host, port)
            except OSError:
                writer.write(_REFUSED)
                return
            self._open.add(there)
            try:
                writer.write(_GRANTED)
                await asyncio.gather(_pass(reader, there), _pass(there_reader, writer))
            finally:
                self._open.discard(there)
                await _close(there)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            return
        finally:
            self._open.discard(writer)
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Read the SOCKS greeting and request; the host and port asked for. Raises ValueError if it is not SOCKS 5."""
    version, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    version, command, _, kind = await reader.readexactly(4)
    if version != 5 or command != 1:
        raise ValueError("not a connect of SOCKS 5")
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("idna")
    else:
        host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return host, port


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
