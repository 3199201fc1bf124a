"""Reading a request: query and body, within bounds."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from openapi import Problem
from simulators.kit.errors import Refusal
from simulators.kit.messages import Request
from simulators.kit.sending import Gone, Receive
from simulators.kit.strict_json import read_strict, refuse_unstorable


def read_query(request: Request) -> None:
    """Fill in `request.query`; what cannot be read becomes a problem of the request."""
    try:
        request.query = parse_qsl(
            request.query_string.decode("latin-1"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
        for name, value in request.query:
            refuse_unstorable(name)
            refuse_unstorable(value)
    except UnicodeDecodeError:
        request.problems.append(Problem("/query", "is not valid UTF-8"))
    except ValueError as error:
        text = str(error) if str(error).startswith("has a ") else "cannot be read"
        request.problems.append(Problem("/query", text))


async def read_body(request: Request, receive: Receive, largest: int, too_large: Callable[[int], Refusal]) -> None:
    """Fill in `request.body` and `request.json`; `largest` in bytes. Raises Gone where the caller leaves.

    A larger body is not read: `request.too_large` is then the refusal that `too_large` makes.
    """
    announced = request.header("content-length")
    if announced is not None and announced.isdecimal() and int(announced[:20]) > largest:
        request.lingers = True
        request.too_large = too_large(largest)
        return
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > largest:
            request.lingers = more
            request.too_large = too_large(largest)
            return
        chunks.append(chunk)
    request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if request.body:
        try:
            request.json = read_strict(request.body)
        except ValueError as error:
            request.broken = str(error)
            request.problems.append(Problem("/body", str(error)))
