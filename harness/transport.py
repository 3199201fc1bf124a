"""The way of requests to the applications: straight, or through a proxy."""

import ssl

import httpx

from harness.addresses import is_loopback

# httpcore closes what becomes idle while there are more connections in all than it may keep: it keeps as many as the
# stories side by side use. Node.js closes a connection that was idle for 5 seconds: ours are closed before.
LIMITS = httpx.Limits(max_connections=128, max_keepalive_connections=32, keepalive_expiry=4.0)


class Transport(httpx.AsyncBaseTransport):
    """Sends requests straight, or through the HTTP proxy of this URL; to this machine always straight. Variables such
    as HTTPS_PROXY are not read: the deployment file says it all."""

    def __init__(self, verify: ssl.SSLContext | bool = True, proxy: str = "", limits: httpx.Limits = LIMITS) -> None:
        self._straight = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)
        self._through = (
            httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits, proxy=httpx.Proxy(proxy))
            if proxy
            else self._straight
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its body not read. Raises httpx.TransportError."""
        direct = self._through is self._straight or is_loopback(str(request.url))
        try:
            return await (self._straight if direct else self._through).handle_async_request(request)
        except ssl.SSLError as error:  # an alert after the handshake, as from a server that demands a certificate
            raise httpx.ReadError(str(error), request=request) from error

    async def aclose(self) -> None:
        """Close all connections."""
        await self._straight.aclose()
        if self._through is not self._straight:
            await self._through.aclose()
