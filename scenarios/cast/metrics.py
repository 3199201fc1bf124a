"""Read access to tuvens-api's metrics, if the deployment gives it. Only then prometheus_client is imported."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx

from contracts.metrics.figures import Labels, NoFiguresError, Samples, figures_of
from harness.http import Call
from harness.responses import UnreadableError, decoded, reason_of
from harness.story import StoryStoppedError
from harness.transport import Transport
from scenarios.cast.cast import Cast

_FIELD = "targets.tuvens-api.metrics"
_LONGEST_LINE = 16 * 1024


async def read_metrics(cast: Cast, step: str) -> dict[str, Any]:
    """What tuvens-api's metrics say of the routes that rules are about (`contracts.metrics.figures`). Raises
    StoryStoppedError if they cannot be read, with the remedy."""
    target = cast.stage.target("tuvens-api")
    metrics = target.metrics
    assert metrics is not None
    recorder = cast.stage.recorder
    if recorder.gate is not None:
        path = urlsplit(metrics.url).path
        await recorder.gate.admit(cast.step(step), "tuvens-api", Call("", "GET", path or "/"))
    headers = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip", "User-Agent": "crossapp"}
    if metrics.token:
        headers["Authorization"] = f"Bearer {metrics.token}"
    try:
        async with asyncio.timeout(recorder.limits.seconds):
            text = await _read(cast, metrics.url, headers)
            samples = await asyncio.to_thread(_samples, text)
        return figures_of(samples, metrics, urlsplit(target.api_url).path)
    except TimeoutError:
        raise StoryStoppedError(f"{_FIELD}.url: not read within {recorder.limits.seconds:g} s") from None
    except (NoFiguresError, UnreadableError) as error:
        raise StoryStoppedError(f"{_FIELD}.url: {error}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise StoryStoppedError(f"{_FIELD}.url: {reason_of(error)}") from None


async def _read(cast: Cast, url: str, headers: dict[str, str]) -> str:
    limit = cast.stage.recorder.limits.answer_bytes
    deployment, body = cast.deployment, bytearray()
    async with (
        httpx.AsyncClient(transport=Transport(deployment.tls, deployment.proxy), trust_env=False) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code in (401, 403):
            raise NoFiguresError(f"status {response.status_code}: give the token that reads them as {_FIELD}.token")
        if response.status_code != 200:
            raise NoFiguresError(f"status {response.status_code}, not 200: give the URL of the metrics")
        async for part in decoded(response, limit + 1):
            body += part
            if len(body) > limit:
                raise NoFiguresError(f"more than {limit >> 20} MiB: let them be fewer")
    return body.decode("utf-8", "replace")


def _samples(text: str) -> Samples:
    """The samples of a page, by name. Raises NoFiguresError."""
    from prometheus_client.parser import text_string_to_metric_families

    if any(len(line) > _LONGEST_LINE for line in text.split("\n")):
        raise NoFiguresError("a line is too long: that is no page of metrics in the format of Prometheus")
    found: dict[str, list[tuple[Labels, float]]] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((sample.labels, float(sample.value)))
    except (ValueError, IndexError, KeyError) as error:
        raise NoFiguresError(f"no page of metrics in the format of Prometheus ({str(error)[:100]})") from None
    if not found:
        raise NoFiguresError("no metrics on that page")
    return found
