"""Reading httpx responses: headers, the body decompressed within limits, failures in words."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from harness.http import Headers

OnChunk = Callable[[bytes], Awaitable[None]]


class UnreadableError(Exception):
    """A response that arrived but cannot be, or was not, read to its end; the text says why."""


class UndecodableError(UnreadableError):
    """A response whose body was received whole but cannot be decoded; the text says why."""


_UNKNOWN_AUTHORITY = ("unable to get local issuer certificate", "self-signed certificate", "self signed certificate")
"""OpenSSL's words for a certificate of an authority that is not trusted."""
_NO_CODING = ("", "identity")
_GZIP = ("gzip", "x-gzip")
"""Names of the coding that the recorder accepts (RFC 9110, 8.4.1.3)."""


async def decoded(response: httpx.Response, longest: int, on_chunk: OnChunk | None = None) -> AsyncIterator[bytes]:
    """The body in parts, decompressed if it is gzip; a decompressed part has at most `longest` bytes.

    `on_chunk` is awaited with each chunk as received, before it is decompressed, to the end of the body even if it
    cannot be decoded. Raises UndecodableError, then at the end of the body, else at once.
    """
    codings = [each.strip().lower() for each in response.headers.get("content-encoding", "").split(",")]
    codings = [each for each in codings if each not in _NO_CODING]
    inflate = zlib.decompressobj(wbits=31) if codings and codings[0] in _GZIP else None
    wrong = ""
    if codings and (inflate is None or len(codings) > 1):
        wrong = f"the body is encoded as {', '.join(codings)[:60]}, which was not accepted: only gzip was"
    begun = False
    async for chunk in response.aiter_raw():
        if on_chunk is not None:
            await on_chunk(chunk)
        begun = begun or bool(chunk)
        if inflate is None and not wrong:
            yield chunk
        elif inflate is not None and not wrong:
            try:
                while chunk and not inflate.eof:
                    yield inflate.decompress(chunk, longest)
                    chunk = inflate.unconsumed_tail
            except zlib.error:
                wrong = "the body says gzip and is not"
            if not wrong and (chunk or inflate.unused_data):
                wrong = "the body goes on after its gzip has ended"
        if wrong and on_chunk is None:
            break
    if not wrong and inflate is not None and begun and not inflate.eof:
        wrong = "the body's gzip ends in the middle"
    if wrong and begun:
        raise UndecodableError(f"status {response.status_code}, and {wrong}")


def encoded_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Headers as bytes for httpx; characters outside Latin-1 become `?`."""
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers]


def headers_of(response: httpx.Response) -> Headers:
    """The headers of a response as received."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)


def is_event_stream(response: httpx.Response) -> bool:
    """Whether a browser's EventSource would accept the response."""
    kind: str = response.headers.get("content-type", "")
    return response.status_code == 200 and kind.partition(";")[0].strip() == "text/event-stream"


def reason_of(failure: BaseException) -> str:
    """The type and text of a failure."""
    text = str(failure).strip()
    if any(words in text for words in _UNKNOWN_AUTHORITY):
        text += " (for an authority of your own, name the file of its certificates as ca_file in the deployment file)"
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__
