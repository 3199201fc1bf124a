"""Writes a history as HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/).

harfile makes the messages. It has no place for fields of one's own (HAR allows them with an underscore), so the entries
and the document around them are made here.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harfile import Content, PostData, Record, Request, Response, Timings

from harness.history import Context, Entry, Exchange
from harness.http import Headers, header
from harness.redact import Redactor

_PHRASES = {each.value: each.phrase for each in HTTPStatus}


def to_har(context: Context, entries: Iterable[Entry], redactor: Redactor) -> Iterator[str]:
    """The exchanges of a history, given by its context and its entries, as lines of one HAR document, redacted again.

    Event streams are left out. An entry without a response has status 0 and its reason in `_error`; `_superseded` marks
    a request that was sent again; `_facts` is what was computed before redaction; `_crossapp` names the deployment.
    """
    deployment = {
        "deployment": context.deployment,
        "targets": {app: dict(each) for app, each in context.targets.items()},
    }
    yield '{"log": {"version": "1.2",'
    yield f'"creator": {json.dumps({"name": "crossapp", "version": version("crossapp")})},'
    yield f'"_crossapp": {json.dumps(redactor.redact_fields(deployment))},'
    yield '"entries": ['
    separator = ""
    for each in entries:
        if isinstance(each, Exchange):
            yield separator + json.dumps(redactor.redact_fields(_entry(each)))
            separator = ","
    yield "]}}"


def _entry(exchange: Exchange) -> dict[str, Any]:
    milliseconds = round(exchange.seconds * 1000, 3)
    started = datetime.fromtimestamp(exchange.started, UTC).isoformat(timespec="milliseconds")
    entry = {
        "startedDateTime": started.replace("+00:00", "Z"),
        "time": milliseconds,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": Timings(send=0, wait=milliseconds, receive=0).asdict(),
        "comment": f"{exchange.number} {exchange.step}",
        "_facts": dict(exchange.facts),
    }
    if exchange.error:
        entry["_error"] = exchange.error
    if exchange.superseded:
        entry["_superseded"] = True
    return entry


def _request(exchange: Exchange) -> dict[str, Any]:
    query = parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
    body = exchange.request_body
    request = Request(
        method=exchange.method,
        url=exchange.url,
        httpVersion="HTTP/1.1",
        headers=_records(exchange.request_headers),
        queryString=[Record(name, value) for name, value in query],
        bodySize=len(body),
    ).asdict()
    if body:
        text, encoding = _text(body)
        post = PostData(mimeType=header(exchange.request_headers, "Content-Type") or "", text=text).asdict()
        request["postData"] = post if encoding is None else {**post, "_encoding": encoding}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    body, headers, status = exchange.response_body, exchange.response_headers, exchange.status or 0
    text, encoding = _text(body)
    return Response(
        status=status,
        statusText=_PHRASES.get(status, ""),
        httpVersion="HTTP/1.1",
        headers=_records(headers),
        content=Content(len(body), mimeType=header(headers, "Content-Type") or "", text=text, encoding=encoding),
        redirectURL=header(headers, "Location") or "",
    ).asdict()


def _records(headers: Headers) -> list[Record]:
    return [Record(name, value) for name, value in headers]


def _text(body: bytes) -> tuple[str, str | None]:
    """A body as text and its encoding: base64 unless it is UTF-8."""
    try:
        return body.decode("utf-8"), None
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"
