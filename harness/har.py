"""HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), written from a history."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.history import Exchange, History
from harness.http import Headers, header
from harness.redact import Redactor


def to_har(history: History, redactor: Redactor) -> Iterator[str]:
    """The exchanges of a history as lines of one HAR document, redacted again.

    Streams' events are not in it; a request without answer has the status 0 and its reason in `_error`. `_crossapp`
    tells where the apps are, `_facts` what was found while the secrets were still there.
    """
    context = {
        "deployment": history.context.deployment,
        "targets": {app: dict(each) for app, each in history.context.targets.items()},
    }
    yield '{"log": {"version": "1.2",'
    yield f'"creator": {json.dumps({"name": "crossapp", "version": version("crossapp")})},'
    yield f'"_crossapp": {json.dumps(redactor.redact_fields(context))},'
    yield '"entries": ['
    exchanges = [each for each in history.entries if isinstance(each, Exchange)]
    for index, each in enumerate(exchanges, start=1):
        entry = json.dumps(redactor.redact_fields(_entry(each)))
        yield entry + ("," if index < len(exchanges) else "")
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
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
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
    request = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(exchange.request_headers),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "headersSize": -1,
        "bodySize": len(body),
    }
    if body:
        mime = header(exchange.request_headers, "Content-Type") or ""
        request["postData"] = {"mimeType": mime, **_text(body, "_encoding")}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    body = exchange.response_body
    headers = exchange.response_headers
    status = exchange.status or 0
    known = status in HTTPStatus._value2member_map_
    return {
        "status": status,
        "statusText": HTTPStatus(status).phrase if known else "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(headers),
        "content": {"size": len(body), "mimeType": header(headers, "Content-Type") or "", **_text(body, "encoding")},
        "redirectURL": header(headers, "Location") or "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _text(body: bytes, encoding: str) -> dict[str, str]:
    """A body's text; of what is no UTF-8 in Base64, and said so by a field of this name."""
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), encoding: "base64"}
