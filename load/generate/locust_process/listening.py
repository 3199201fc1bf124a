"""Listeners, which hold the stream of updates open as an open event page does."""

import http.client
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import openapi
from contracts.event_stream.wire import stream_event_updates
from harness.deployment import Deployment
from harness.sse import StreamTooLongError, messages
from load.generate.samples import Result

_SILENCE = 60.0
"""Seconds without a byte after which a stream counts as broken: heartbeats come every 30."""


class BrokenStreamError(Exception):
    """A stream that could not be opened, or ended; `result` says how."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result


class Stream:
    """One open stream."""

    def __init__(self, deployment: Deployment) -> None:
        self._url = urlsplit(deployment.targets["tuvens-api"].api_url)
        self._context = deployment.tls.context()

    def hold(self, connected: Callable[[], None] = lambda: None, heard: Callable[[], None] = lambda: None) -> None:
        """Listen until the greenlet is killed; `connected` is called once, `heard` for each message. Raises
        BrokenStreamError if the stream ends before."""
        call = stream_event_updates()
        host, port = self._url.hostname or "", self._url.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=_SILENCE, context=self._context)
            if self._url.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=_SILENCE)
        )
        try:
            connection.request(call.method, self._url.path.rstrip("/") + call.target, headers=dict(call.headers))
            response = connection.getresponse()
            problems = openapi.find(call.operation).response_problems(
                status=response.status, headers=response.getheaders(), body=b""
            )
            if response.status != 200 or problems:
                result = Result.LIMITED if response.status == 429 else Result.FAILED
                raise BrokenStreamError(result, problems[0].message if problems else f"status {response.status}")
            connected()
            for message in messages(iter(partial(response.read1, 65_536), b"")):
                if message.kind == "event":
                    heard()
        except ConnectionRefusedError as error:
            raise BrokenStreamError(Result.REFUSED, f"no connection: {error.strerror}") from None
        except StreamTooLongError as error:
            raise BrokenStreamError(Result.FAILED, str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise BrokenStreamError(Result.UNANSWERED, f"no answer: {type(error).__name__}") from None
        finally:
            connection.close()
        raise BrokenStreamError(Result.UNANSWERED, "no answer: the server closed the stream")
