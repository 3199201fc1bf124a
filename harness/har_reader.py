"""Reads HAR 1.2 files from browsers, proxies and crossapp, within limits, with errors that name place and remedy."""

import base64
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from harness.http import Headers, header

LONGEST_FILE = 128 * 1024 * 1024
LONGEST_BODY = 2 * 1024 * 1024
_REMEDY = "export it again from the browser or proxy, as HAR 1.2 with content"
_NO_SECONDS = 3_600_000.0


class HarError(ValueError):
    """A HAR, or an entry of it, that cannot be read; the text names the place in it, and for a whole HAR the remedy."""


@dataclass(frozen=True, slots=True)
class HarEntry:
    """One entry. `number` counts from 1; bodies are decoded; `started` is Unix seconds (0: unknown), `seconds` the
    duration.

    `error` says why there is no complete response (aborted, or not kept by the recording tool). Only a HAR written by
    crossapp has `facts`, and marks a request that was sent again as `superseded`.
    """

    number: int
    method: str
    url: str
    request_headers: Headers
    request_body: bytes
    status: int
    response_headers: Headers
    response_body: bytes
    started: float
    seconds: float
    error: str = ""
    superseded: bool = False
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Har:
    """A HAR: the entries that went over a network, the number of entries that a cache or a test double answered
    (`cached`), why entries cannot be read (`skipped`), and the deployment (`context`) if crossapp wrote it."""

    entries: tuple[HarEntry, ...]
    cached: int
    skipped: tuple[str, ...] = ()
    context: dict[str, Any] = field(default_factory=dict)


def looks_like_har(path: Path) -> bool:
    """Whether a file is a HAR, judged by its name or its first bytes. Raises OSError."""
    if path.suffix.lower() == ".har":
        return True
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf")
    return b"".join(head.split()).startswith(b'{"log":')


def read_har(path: Path) -> Har:
    """Read a HAR of at most 128 MiB. An entry that cannot be read is skipped, unless that is every one. Raises HarError
    and OSError."""
    if path.stat().st_size > LONGEST_FILE:
        raise HarError(
            f"has more than {LONGEST_FILE // 1024 // 1024} MiB: filter it by the applications' hosts before the export"
        )
    try:
        value = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise HarError(f"is not UTF-8 text; {_REMEDY}") from None
    except json.JSONDecodeError as error:
        raise HarError(
            f"is not JSON ({error.msg} at line {error.lineno}, column {error.colno}): it may be cut off; {_REMEDY}"
        ) from None
    except RecursionError:
        raise HarError(f"is nested too deeply; {_REMEDY}") from None
    except ValueError:  # Python's limit on the digits of an integer
        raise HarError(f"holds a number of too many digits; {_REMEDY}") from None
    try:
        log = _of(_of(value, dict, "the document").get("log"), dict, "log")
        listed = _of(log.get("entries"), list, "log.entries")
    except HarError as error:
        raise HarError(f"{error}; {_REMEDY}") from None
    entries, cached, skipped = [], 0, []
    for index, each in enumerate(listed):
        at = f"log.entries[{index}]"
        try:
            entry = _of(each, dict, at)
            if _from_cache(entry):
                cached += 1
                continue
            url = _text(_of(entry.get("request"), dict, f"{at}.request"), "url", f"{at}.request", required=True)
            if url.startswith(("http://", "https://")):  # not ws:, data: or blob:
                entries.append(_entry(entry, index + 1, url, at))
        except HarError as odd:
            skipped.append(str(odd))
    if listed and len(skipped) == len(listed):
        raise HarError(f"none of its {len(listed)} entries can be read ({skipped[0]}); {_REMEDY}")
    context = log.get("_crossapp")
    return Har(tuple(entries), cached, tuple(skipped), context if isinstance(context, dict) else {})


def _from_cache(entry: dict[str, Any]) -> bool:
    """Whether a browser answered the request itself, from a cache or at the request of a test, as each recorder marks
    it."""
    cache, timings = entry.get("cache"), entry.get("timings")
    took = any(_number(each) > 0 for each in timings.values()) if isinstance(timings, dict) else True
    return (
        entry.get("_fromCache") in ("memory", "disk", "prefetch")  # Chrome
        or entry.get("_fetchedViaServiceWorker") is True
        or entry.get("_wasFulfilled") is True  # Playwright: a test answered
        or entry.get("_fetchType", "Network Load") != "Network Load"  # Safari
        or (isinstance(cache, dict) and "afterRequest" in cache and not took)  # Firefox, which writes no timings then
    )


def _failure(entry: dict[str, Any], response: dict[str, Any]) -> str:
    """Why a request failed, as Chrome, mitmproxy (`_error`) and Playwright (`_failureText`) say it."""
    said = (place.get(name) for place in (entry, response) for name in ("_error", "_failureText"))
    return next((_clean(each) for each in said if isinstance(each, str) and each), "")


def _entry(entry: dict[str, Any], number: int, url: str, at: str) -> HarEntry:
    request = _of(entry.get("request"), dict, f"{at}.request")
    response = _of(entry.get("response"), dict, f"{at}.response")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise HarError(f"{at}.request.url: is not a URL") from None
    status = response.get("status", 0)
    if status in (-1, None):  # Playwright's for no response
        status = 0
    if isinstance(status, bool) or not isinstance(status, int) or not 0 <= status < 1000:
        raise HarError(f"{at}.response.status: must be a status such as 200")
    method = _text(request, "method", f"{at}.request", required=True).upper()
    headers = _headers(response, f"{at}.response")
    body, lacking = b"", "" if status else "the HAR tells of no answer: aborted, blocked, or refused"
    failure = _failure(entry, response)
    if status and not failure and method != "HEAD":
        body, lacking = _content(response, headers, f"{at}.response.content")
    seconds = _number(entry.get("time")) / 1000
    return HarEntry(
        number=number,
        method=method,
        url=url.partition("#")[0],
        request_headers=_headers(request, f"{at}.request"),
        request_body=_posted(request.get("postData"), f"{at}.request.postData"),
        status=status,
        response_headers=headers,
        response_body=body,
        started=_started(entry, at),
        seconds=seconds if 0 <= seconds < _NO_SECONDS else 0.0,
        error=failure or lacking,
        facts=_of(entry["_facts"], dict, f"{at}._facts") if "_facts" in entry else None,
        superseded=entry.get("_superseded") is True,
    )


def _content(response: dict[str, Any], headers: Headers, at: str) -> tuple[bytes, str]:
    """The decoded body, and why it is incomplete (empty: it is complete)."""
    content = _of(response.get("content", {}), dict, at)
    size = int(_number(content.get("size")))
    media_type = (header(headers, "Content-Type") or "").partition(";")[0].strip().lower()
    if "text" not in content:
        # A size of -1 is not known.
        has_body = size != 0 or int(_number(header(headers, "Content-Length"))) > 0
        if has_body and media_type != "text/event-stream" and response.get("status") not in (204, 304):
            return b"", "the HAR does not hold the body: export it with content"
        return b"", ""
    body = _encoded(_text(content, "text", at), content.get("encoding"), at)
    if len(body) > LONGEST_BODY:
        return b"", f"the body has more than {LONGEST_BODY} bytes: it was not read"
    # Some tools write the size on the wire, and the difference to the decoded size as `compression`.
    if len(body) < min(size, size + int(_number(content.get("compression")))):
        return body, f"the HAR holds {len(body)} of the body's {size} bytes: raise the recorder's limit"
    return body, ""


def _posted(value: Any, at: str) -> bytes:
    if value is None:
        return b""
    posted = _of(value, dict, at)
    if "text" not in posted and isinstance(posted.get("params"), list):
        return urlencode([_pair(each, f"{at}.params[{index}]") for index, each in enumerate(posted["params"])]).encode()
    return _encoded(_text(posted, "text", at), posted.get("_encoding", posted.get("encoding")), at)


def _encoded(text: str, encoding: Any, at: str) -> bytes:
    if encoding in (None, ""):
        return text.encode("utf-8")
    if encoding != "base64":
        raise HarError(f'{at}.encoding: must be "base64" or absent')
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise HarError(f"{at}.text: is not Base64, though encoding says so") from None


def _headers(message: dict[str, Any], at: str) -> Headers:
    listed = _of(message.get("headers", []), list, f"{at}.headers")
    pairs = (_pair(each, f"{at}.headers[{index}]") for index, each in enumerate(listed))
    return tuple(pair for pair in pairs if not pair[0].startswith(":"))  # pseudo-headers of HTTP/2


def _pair(value: Any, at: str) -> tuple[str, str]:
    pair = _of(value, dict, at)
    return _text(pair, "name", at, required=True), _text(pair, "value", at)


def _started(entry: dict[str, Any], at: str) -> float:
    text = _text(entry, "startedDateTime", at)
    if not text:
        return 0.0
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise HarError(f"{at}.startedDateTime: must be an ISO 8601 time") from None


def _number(value: Any) -> float:
    """A finite number, or 0."""
    try:
        number = 0.0 if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _text(value: dict[str, Any], name: str, at: str, *, required: bool = False) -> str:
    found = value.get(name)
    if found is None and not required:
        return ""
    if not isinstance(found, str) or (required and not found):
        raise HarError(f"{at}.{name}: must be text")
    return _clean(found)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # replaces lone surrogates


def _of(value: Any, kind: type, at: str) -> Any:
    if not isinstance(value, kind):
        word = "an object" if kind is dict else "a list"
        raise HarError(f"{at}: {'missing' if value is None else 'must be ' + word}")
    return value


def hosts_of(har: Har) -> Iterator[str]:
    """The origins of the entries, once each, in order."""
    yield from dict.fromkeys("{0.scheme}://{0.netloc}".format(urlsplit(each.url)) for each in har.entries)
