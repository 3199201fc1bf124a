"""What the inspector may see of a simulator: its journal as rows, one exchange in full."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import openapi
from harness.history import Exchange as Recording
from harness.history import Outcome
from harness.inspector.detail import Check, Recorded, Signing, detail
from harness.inspector.row import ExchangeRow, StreamMessage, Webhook
from openapi.recorded import request_problems, signature_of
from simulators.kit.journal import KEPT_BODY, Body, JournalEntry
from simulators.kit.simulator import Simulator

_SHOWN_ELSEWHERE = frozenset({"user_id", "delivery", "attempt", "replay", "signature_valid"})


class JournalSource:
    """A simulator's journal as the inspector reads it."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._journal = simulator.journal
        self.app = simulator.name

    @property
    def kept(self) -> tuple[int, int]:
        """The first and the last number."""
        return self._journal.first, self._journal.last

    def rows(self, after: int, limit: int) -> Sequence[ExchangeRow]:
        """At most `limit` rows after a number."""
        return [self._row(each) for each in self._journal.exchanges(after=after, limit=limit)]

    def messages(self, after: int) -> Sequence[StreamMessage]:
        """The messages of its event stream after a number."""
        found = self._simulator.messages.after(after)
        return [each._replace(data=self._journal.clean(each.data)) for each in found]

    def detail(self, number: int) -> Mapping[str, Any] | None:
        """One exchange in full; None where it is not kept."""
        if not self._journal.first <= number <= self._journal.last:
            return None
        (exchange,) = self._journal.exchanges(after=number - 1, limit=1)
        operation = None if exchange.operation is None else openapi.find(exchange.operation)
        signature = None if operation is None else signature_of(operation)
        known = self._simulator.faults.known
        return detail(
            Recorded(
                row=self._row(exchange),
                exchange=self._recording(exchange),
                request=_request_check(exchange, operation),
                response=_response_check(exchange),
                signing=None if signature is None else Signing(*signature),
                request_cut=_is_cut(exchange.request_body),
                response_cut=_is_cut(exchange.response_body),
                sentences={name: known[name].sentence for name in exchange.faults if name in known},
                facts={name: value for name, value in exchange.facts.items() if name not in _SHOWN_ELSEWHERE},
            )
        )

    def _row(self, exchange: JournalEntry) -> ExchangeRow:
        facts = exchange.facts
        user, valid = facts.get("user_id"), facts.get("signature_valid")
        return ExchangeRow(
            app=self.app,
            number=exchange.number,
            direction=exchange.direction,
            caller=exchange.caller,
            callee=exchange.callee,
            operation=exchange.operation,
            method=exchange.method,
            target=self._journal.clean(exchange.target),
            status=exchange.status,
            error=exchange.error,
            begun=exchange.ended - exchange.seconds,
            seconds=exchange.seconds,
            clock=exchange.started,
            problems=len(exchange.problems),
            faults=exchange.faults,
            user=None if user is None else str(user),
            webhook=_webhook(facts),
            signature_valid=valid if isinstance(valid, bool) else None,
            twin=zlib.crc32(_bytes(exchange.request_body)),
        )

    def _recording(self, exchange: JournalEntry) -> Recording:
        """The exchange as a recorder would have it, cleaned once more: a secret may have become known later."""
        # Not the Host of the request, which its sender chose: a command that is pasted sends secrets there.
        ours = exchange.direction == "in"
        base = self._simulator.address if ours else self._simulator.upstream(exchange.operation)
        base = base.rstrip("/") or f"http://{exchange.callee}"
        clean = self._journal.clean
        return Recording(
            number=exchange.number,
            step="",
            caller=exchange.caller,
            callee=exchange.callee,
            operation=exchange.operation or "",
            method=exchange.method,
            url=clean(base + exchange.target),
            request_headers=tuple((name, clean(value)) for name, value in exchange.request_headers),
            request_body=clean(_bytes(exchange.request_body).decode("latin-1")).encode("latin-1"),
            outcome=Outcome.NO_ANSWER if exchange.status is None else Outcome.ANSWERED,
            status=exchange.status,
            response_headers=tuple((name, clean(value)) for name, value in exchange.response_headers),
            response_body=clean(_bytes(exchange.response_body).decode("latin-1")).encode("latin-1"),
            started=exchange.ended - exchange.seconds,
            seconds=exchange.seconds,
            error=clean(exchange.error or ""),
        )


def _webhook(facts: Mapping[str, object]) -> Webhook | None:
    delivery, attempt = facts.get("delivery"), facts.get("attempt")
    if not isinstance(delivery, int) or not isinstance(attempt, int):
        return None
    return Webhook(delivery, attempt, replay=bool(facts.get("replay")))


def _request_check(exchange: JournalEntry, operation: openapi.Operation | None) -> Check:
    if operation is None:
        return Check(unread="no operation of the document has this method and path")
    if _is_cut(exchange.request_body):
        return Check(unread=f"the body is above {KEPT_BODY} bytes, and not kept whole")
    if exchange.direction == "in" and exchange.status in (413, None) and not exchange.request_body:
        return Check(unread="its body was not read")
    found = request_problems(operation, exchange.target, exchange.request_headers, _bytes(exchange.request_body))
    return Check(tuple(found))


def _response_check(exchange: JournalEntry) -> Check:
    if exchange.status is None:
        return Check(unread="there is no answer")
    if exchange.operation is None:
        return Check(unread="no operation of the document has this method and path")
    return Check(exchange.problems)


def _bytes(body: Body) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else base64.b64decode(body["base64"])


def _is_cut(body: Body) -> bool:
    return len(_bytes(body)) >= KEPT_BODY
