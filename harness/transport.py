"""The way of requests to the applications: straight, or through a proxy; by HTTP/1.1, or by HTTP/2 to a server that
speaks nothing else."""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator

import httpx

from harness.addresses import is_loopback
from harness.connection import speaks_only_http_2
from harness.extras import is_installed
from harness.tls import PUBLIC, TlsSettings

# httpcore closes what becomes idle while there are more connections in all than it may keep: it keeps as many as the
# stories side by side use. Node.js closes a connection that was idle for 5 seconds: ours are closed before.
LIMITS = httpx.Limits(max_connections=128, max_keepalive_connections=32, keepalive_expiry=4.0)
_HANDSHAKE_SECONDS = 5.0


class Transport(httpx.AsyncBaseTransport):
    """Sends requests straight, or through the HTTP proxy of this URL; to this machine always straight. Variables such
    as HTTPS_PROXY are not read: the deployment file says it all.

    A server that takes HTTP/1.1 gets that. One that offers only HTTP/2 gets it where the extra http2 is installed, but
    not through a proxy.
    """

    def __init__(self, tls: TlsSettings = PUBLIC, proxy: str = "", limits: httpx.Limits = LIMITS) -> None:
        self._tls = tls
        self._straight = httpx.AsyncHTTPTransport(verify=tls.context(), trust_env=False, limits=limits)
        self._through = (
            httpx.AsyncHTTPTransport(verify=tls.context(), trust_env=False, limits=limits, proxy=httpx.Proxy(proxy))
            if proxy
            else self._straight
        )
        self._knows_http_2 = is_installed("http2")
        self._by_http_2: dict[str, _Http2] = {}
        self._by_http_1: set[str] = set()
        self._asking: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its body not read. Raises httpx.TransportError."""
        try:
            return await (await self._way(request.url)).handle_async_request(request)
        except ssl.SSLError as error:  # an alert after the handshake, as from a server that demands a certificate
            raise httpx.ReadError(str(error), request=request) from error

    async def _way(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        if self._through is not self._straight and not is_loopback(str(url)):
            return self._through
        if url.scheme != "https" or not self._knows_http_2:
            return self._straight
        origin = f"https://{url.netloc.decode('ascii')}"
        if origin in self._by_http_1:
            return self._straight
        async with self._asking[origin]:
            if origin not in self._by_http_2 and origin not in self._by_http_1:
                only = await asyncio.to_thread(speaks_only_http_2, origin, self._tls, seconds=_HANDSHAKE_SECONDS)
                if only:
                    self._by_http_2[origin] = _Http2(self._tls.context(http_2=True))
                elif only is not None:  # else it may be just starting
                    self._by_http_1.add(origin)
        return self._by_http_2.get(origin, self._straight)

    async def aclose(self) -> None:
        """Close all connections."""
        for each in {self._straight, self._through, *self._by_http_2.values()}:
            await each.aclose()


class _Http2(httpx.AsyncBaseTransport):
    """Sends requests by HTTP/2, one at a time on each connection. httpcore does not tell a server that the rest of a
    response is not wanted: a stream that was left would stay open, and its data would fill the window of all others. So
    a connection ends with a response that was not read to its end."""

    def __init__(self, verify: ssl.SSLContext) -> None:
        self._verify = verify
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its body not read. Raises httpx.TransportError."""
        import h2.exceptions

        connection = self._idle.pop() if self._idle else self._connection()
        try:
            response = await connection.handle_async_request(request)
        except h2.exceptions.H2Error as error:
            await connection.aclose()
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        except BaseException:
            await connection.aclose()
            raise
        body = _Body(response.stream, connection, self._idle, request)
        return httpx.Response(
            response.status_code, headers=response.headers.raw, stream=body, extensions=response.extensions
        )

    def _connection(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=LIMITS.keepalive_expiry)
        return httpx.AsyncHTTPTransport(verify=self._verify, trust_env=False, limits=limits, http1=False, http2=True)

    async def aclose(self) -> None:
        """Close all connections that are not in use."""
        while self._idle:
            await self._idle.pop().aclose()


class _Body(httpx.AsyncByteStream):
    """The body of a response. Its connection is free again when it was read to its end."""

    def __init__(
        self,
        stream: object,
        connection: httpx.AsyncHTTPTransport,
        idle: list[httpx.AsyncHTTPTransport],
        request: httpx.Request,
    ) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)
        self._stream, self._connection, self._idle, self._request = stream, connection, idle, request
        self._ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import h2.exceptions

        try:
            async for part in self._stream:
                yield part
        except h2.exceptions.H2Error as error:
            raise httpx.RemoteProtocolError(str(error), request=self._request) from error
        self._ended = True

    async def aclose(self) -> None:
        """The response is not read any further."""
        await self._stream.aclose()
        if self._ended:
            self._idle.append(self._connection)
        else:
            await self._connection.aclose()
