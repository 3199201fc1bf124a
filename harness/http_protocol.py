"""uvicorn's HTTP protocol, corrected for HTTP/1.0 clients."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class HttpProtocol(HttpToolsProtocol):
    """To HTTP/1.0 it sends no chunks, and it keeps connections alive if the client asks for it; uvicorn does neither.

    RFC 9112, 6.1: "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding request
    indicates HTTP/1.1 (or later minor revisions)."
    """

    def on_headers_complete(self) -> None:
        """Start the application for a request."""
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            self.cycle.keep_alive = self.parser.should_keep_alive()
            self.cycle.send = _without_chunks(self.cycle)  # type: ignore[method-assign]  # uvicorn has no hook for it


def _without_chunks(cycle: RequestResponseCycle) -> Any:
    """`cycle.send`, but the end of the connection marks the end of a body without a length."""
    send = cycle.send
    has_length = True

    async def send_unchunked(message: Any) -> None:
        nonlocal has_length
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message["headers"]}
            has_length = b"content-length" in names
            if not has_length:
                cycle.keep_alive = False
                cycle.chunked_encoding = False
            elif cycle.keep_alive and b"connection" not in names:
                message = {**message, "headers": [*message["headers"], (b"connection", b"keep-alive")]}
        elif not has_length:
            # uvicorn compares this with the length of each piece.
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return send_unchunked


def close_connection(receive: Any) -> None:
    """Close the connection of a request at once. `receive`: as the application has it from the server; of another
    server's, nothing is closed."""
    cycle = getattr(receive, "__self__", None)
    if isinstance(cycle, RequestResponseCycle):
        cycle.transport.close()
