"""Calls to another application: limited in time and size, every exchange journaled."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import openapi
from harness.http import Answer, Call
from harness.tls import TlsSettings
from simulators.kit.clock import Clock
from simulators.kit.journal import Journal, RawExchange
from simulators.kit.messages import noted
from simulators.kit.secret_fields import secrets_of

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """The result of a call: an answer, or an error as text. `seconds` is real time."""

    answer: Answer | None
    error: str | None
    seconds: float

    def require(self) -> Answer:
        """The answer. Raises UpstreamUnavailable if there is none."""
        if self.answer is None:
            raise UpstreamUnavailable(self.error or "", silent=(self.error or "").startswith("no answer"))
        return self.answer


class UpstreamUnavailable(Exception):  # noqa: N818  # an outcome of a call, not a failure of ours
    """The other application gave no answer, a late one, or one that cannot be read; the text holds no secret.

    silent: no answer came in time.
    """

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


class Caller:
    """Calls the application `callee` at `base_url`, in the name of the journal's application. `ca_file`: certificates
    (PEM) by which its own is checked; empty: the usual authorities."""

    def __init__(self, callee: str, base_url: str, *, clock: Clock, journal: Journal, ca_file: str = "") -> None:
        self._callee = callee
        self._base = base_url.rstrip("/")
        self._ca_file = ca_file
        self._clock = clock
        self._journal = journal
        self._client: httpx.AsyncClient | None = None

    async def send(
        self,
        call: Call,
        *,
        within: float,
        by_clock: bool = False,
        secrets: Sequence[tuple[str, str]] = (),
        facts: Mapping[str, object] | None = None,
    ) -> CallOutcome:
        """Make a call and journal it. Raises nothing, whatever the other application does.

        within: seconds for the whole exchange, by the simulator's clock if `by_clock`, else real ones. A webhook
        delivery needs real ones: it is a job of the clock, for which `advance` waits.
        """
        import httpx  # slow to import, and most simulators call nobody

        started, begun = self._clock.now(), time.perf_counter()
        answer: Answer | None = None
        error: str | None = None
        try:
            exchange = self._exchange(call)
            answer = await (self._clock.within(within, exchange) if by_clock else asyncio.wait_for(exchange, within))
        except TimeoutError:
            error = f"no answer within {within:g} s"
        except _TooLarge:
            error = f"the answer is above {MAX_ANSWER} bytes"
        except httpx.ConnectError:
            error = "no connection was made"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
            error = f"the exchange broke off ({type(failure).__name__})"
        seconds = time.perf_counter() - begun
        self._journal.record(
            RawExchange(
                direction="out",
                caller=self._journal.app,
                callee=self._callee,
                operation=call.operation,
                method=call.method,
                target=call.target,
                request_headers=call.headers,
                request_body=call.body or b"",
                status=None if answer is None else answer.status,
                response_headers=() if answer is None else answer.headers,
                response_body=b"" if answer is None else answer.body,
                started=started,
                seconds=seconds,
                ended=time.time(),
                error=error,
                secrets=[*secrets, *_handed_out(call, answer)],
                facts=facts or {},
                problems=_problems(call, answer),
                faults=noted.get() or (),
            )
        )
        return CallOutcome(answer, error, seconds)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _exchange(self, call: Call) -> Answer:
        client = self._client or self._open()
        request = client.build_request(
            call.method, self._base + call.target, headers=list(call.headers), content=call.body
        )
        response = await client.send(request, stream=True)
        # One user's cookie must not travel with another's call.
        client.cookies.clear()
        try:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise _TooLarge
        finally:
            await response.aclose()
        return Answer(response.status_code, tuple(response.headers.multi_items()), body)

    def _open(self) -> "httpx.AsyncClient":
        import httpx

        from harness.transport import Transport

        # Reading certificates takes longer than the rest of the start.
        secure = self._base.startswith("https:")
        # Servers commonly close after five seconds; a call at that moment would fail.
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=2.0)
        self._client = httpx.AsyncClient(
            trust_env=False,
            timeout=None,  # `send` limits the whole exchange
            verify=False,
            transport=Transport(TlsSettings(self._ca_file), limits=limits) if secure else None,
            headers={"User-Agent": self._journal.app},
            limits=limits,
        )
        return self._client


class _TooLarge(Exception):  # noqa: N818  # caught within this module
    """The answer is larger than MAX_ANSWER."""


def _handed_out(call: Call, answer: Answer | None) -> list[tuple[str, str]]:
    """The secrets in a response, by the document: the caller has not registered them yet."""
    return [] if answer is None else secrets_of(openapi.find(call.operation).secret_fields, answer.body)


def _problems(call: Call, answer: Answer | None) -> list[str]:
    if answer is None:
        return []
    found = openapi.find(call.operation).response_problems(
        status=answer.status, headers=answer.headers, body=answer.body
    )
    return [f"{pointer}: {message}" for pointer, message in found]
