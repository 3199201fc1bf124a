"""The journeys: what an arrival does, one call or a flow through all applications."""

from collections.abc import Callable, Mapping, Sequence

import gevent
from locust.contrib.fasthttp import FastHttpSession

from contracts.hi_events_session import wire as hi_wire
from contracts.session_token import wire as session_wire
from contracts.times import iso_millis
from contracts.tuvens_event import wire as event_wire
from contracts.webhook import wire as webhook_wire
from harness.deployment import Linked, User
from harness.http import Answer, Call, field_of
from load.generate.checks import (
    Check,
    anything,
    is_authenticated,
    is_boolean,
    is_signed_in,
    is_taken,
    lists_account_of,
    session_of,
    user_is,
)
from load.generate.locust_process.client import Client
from load.generate.locust_process.lane_share import LaneShare
from load.generate.samples import NEVER_SENT, Result

_TICKETING = {"LIVE": "active", "DRAFT": "setup"}
_PATIENCE = 5.0
_GLANCE = 0.05
_NO_SESSION = f"{NEVER_SENT}: no session could be had to ask about"
_SET_UP = "set-up/setEventStatus"


class Journeys:
    """The journeys of one lane, `by_name` of their measure. `think`: seconds between the steps of a flow."""

    def __init__(self, share: LaneShare, client: Client, think: float) -> None:
        self._share = share
        self._client = client
        self._think = think
        self.by_name: Mapping[str, Callable[[FastHttpSession, float], None]] = {
            "generateSession": self.generate,
            "validateSession": self.validate,
            "listUserAccounts": self.accounts,
            "validatePermission": self.permission,
            "receiveEventStatusChanged": self.webhook,
            "flow": self.flow,
        }

    def mint(self, http: FastHttpSession, user: User) -> bool:
        """Mint a session for later calls; no budget counts it. Returns whether it was minted."""
        return bool(self._generate(http, "set-up/generateSession", user, None)[1])

    def generate(self, http: FastHttpSession, due: float) -> None:
        """A user asks for a session."""
        self._generate(http, "generateSession", self._share.next_user(), due)

    def _generate(self, http: FastHttpSession, measure: str, user: User, due: float | None) -> tuple[Result, str]:
        """The result, and the token (empty without one)."""
        call = session_wire.generate_session(user.jwt, user.account_id)
        sent = self._client.send(http, measure, call, session_of(user), due=due, secrets=[("jwt", user.jwt)])
        if sent.answer is None:
            return sent.result, ""
        token = session_wire.read_session(sent.answer).session_token
        self._share.keep(user, token)
        return sent.result, token

    def validate(self, http: FastHttpSession, due: float, measure: str = "validateSession") -> None:
        """hi.events asks whom a session belongs to."""
        token = self._share.next_token()
        if token is None:
            self._client.count(measure, due, Result.DROPPED, _NO_SESSION)
            return
        self.validate_one(http, due, token.value, token.user, measure)

    def validate_one(self, http: FastHttpSession, due: float, token: str, user: User, measure: str) -> None:
        """hi.events asks about one session."""
        call = session_wire.validate_session(self._share.secret, token)
        self._client.send(http, measure, call, user_is(user), due=due, secrets=[("session-token", token)])

    def accounts(self, http: FastHttpSession, due: float) -> None:
        """hi.events asks for a user's accounts."""
        token = self._share.next_token()
        if token is None:
            self._client.count("listUserAccounts", due, Result.DROPPED, _NO_SESSION)
            return
        call = session_wire.list_user_accounts(self._share.secret, token.value)
        secrets = [("session-token", token.value)]
        self._client.send(http, "listUserAccounts", call, lists_account_of(token.user), due=due, secrets=secrets)

    def permission(self, http: FastHttpSession, due: float) -> None:
        """hi.events asks for a permission."""
        token = self._share.next_token()
        if token is None:
            self._client.count("validatePermission", due, Result.DROPPED, _NO_SESSION)
            return
        call = session_wire.validate_permission(self._share.secret, token.value, "manage_ticketing")
        secrets = [("session-token", token.value)]
        self._client.send(http, "validatePermission", call, is_boolean, due=due, secrets=secrets)

    def webhook(self, http: FastHttpSession, due: float) -> None:
        """hi.events delivers a signed webhook."""
        event, number = self._share.next_event()
        body = webhook_wire.status_changed_body(
            event_id=number,
            title="Under load",
            status="LIVE",
            tuvens_event_id=event,
            sent_at=iso_millis(self._share.sent_at()),
        )
        call = webhook_wire.event_status_changed(body, webhook_wire.sign(self._share.secret, body))
        self._client.send(http, "receiveEventStatusChanged", call, is_taken, due=due)

    def flow(self, http: FastHttpSession, due: float) -> None:
        """An organiser gets a token, signs in at hi.events, sets an event live or back, and tuvens-api follows."""
        event = self._share.borrow()
        if event is None:
            self._client.count(
                "flow",
                due,
                Result.DROPPED,
                f"{NEVER_SENT}: all events of events.linked are in use by other flows",
            )
            return
        late, waited = self._client.now() - due, self._client.queue.waited()
        try:
            aside = self._flow(http, due, event)
        except _BrokenOffError as broken:
            self._client.count("flow", due, broken.result, broken.reason)
        else:
            held = late * 1000 + self._client.queue.waited() - waited
            self._client.count("flow", due, Result.OK, aside=aside, held=held)
        finally:
            self._share.give_back(event)

    def _flow(self, http: FastHttpSession, due: float, event: Linked) -> float:
        """Run a flow; returns the seconds of it that do not count. Raises _BrokenOffError if it fails."""
        user = self._share.next_organiser()
        result, token = self._generate(http, "flow/generateSession", user, due)
        if not token:
            raise _BrokenOffError(result, "the first call, generateSession, went wrong")
        gevent.sleep(self._think)
        secrets = [("session-token", token)]
        answer = self._step(http, hi_wire.sign_in(token), is_signed_in, secrets)
        bearer = str(field_of(answer.json(), "token", str))
        secrets.append(("bearer", bearer))
        self._step(http, hi_wire.session_status(bearer), is_authenticated, secrets)
        aside = self._client.now()
        if not self._share.knows(event):
            # The event may be LIVE already: hi.events delivers no webhook for a status that an event has.
            self._client.send(http, _SET_UP, hi_wire.set_event_status(bearer, event.hi, "DRAFT"), anything)
        gevent.sleep(self._think)
        aside = self._client.now() - aside + self._think
        status = self._share.other_status(event)
        self._step(http, hi_wire.set_event_status(bearer, event.hi, status), anything, secrets)
        patience = self._client.now() + _PATIENCE
        while self._client.now() < patience:
            value = self._step(http, event_wire.get_event(event.tuvens), anything, ()).json()
            if isinstance(value, dict) and value.get("ticketing_status") == _TICKETING[status]:
                return aside
            gevent.sleep(_GLANCE)
        raise _BrokenOffError(Result.FAILED, f"tuvens-api's event did not follow within {_PATIENCE:g} s")

    def _step(self, http: FastHttpSession, call: Call, check: Check, secrets: Sequence[tuple[str, str]]) -> Answer:
        sent = self._client.send(http, f"flow/{call.operation}", call, check, secrets=secrets)
        if sent.answer is None:
            raise _BrokenOffError(sent.result, f"{call.operation} went wrong")
        return sent.answer


class _BrokenOffError(Exception):
    """A flow that failed."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason
