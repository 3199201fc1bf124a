"""What a request may do, derived from its bytes: by its operation's document, and by whether the deployment file or an
answer of this run gave its credentials, tokens, account and event."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import openapi
from contracts.facts import handed_out
from contracts.webhook.wire import signature_matches
from harness.deployment import Deployment, Linked, User
from harness.effects import Effect, Effects
from harness.http import Answer, Call, header, object_or_empty
from openapi.recorded import request_problems

BACK_END, NOBODY, PAGE = "hi.events", "nobody", "a page"
"""Who sends a request that has the shared secret or a signature by it; one without credentials; one in a browser."""

_ASKING = ("GET", "HEAD", "OPTIONS")
_LARGE = 64 * 1024
# What is meant to break out of HTML, a script, SQL, a template or a folder. Other hostile texts are not recognised: a
# story that sends them declares it.
_HOSTILE = re.compile(
    r"<\s*(?:script|img|svg)|javascript:|\.\./|' or '|union select|drop table|\$\{|\{\{|[\x00-\x08\x0b\x0c\x0e-\x1f]",
    re.IGNORECASE,
)
Fields = Mapping[str, Any]
_Credential = tuple[str, str]
_RETURNS = ("return_url", "callback_url")
_PAGE = "openCrossAppPage"


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request: application, method, operation ("": of no document), as whom it is sent, and what it may do. `user` is
    a role of the deployment file, BACK_END, NOBODY, PAGE, or "unknown" for credentials that nobody gave."""

    app: str
    method: str
    operation: str
    user: str
    effects: Effects


class RequestEffects:
    """Tells what requests to a deployment may do. It learns the tokens that answers hand out, and the events that
    hi.events' page makes."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._users: dict[str, User] = {each.jwt: each for each in deployment.users}
        self._whose: dict[str, str] = {each.jwt: each.role for each in deployment.users}
        linked = deployment.changeable_linked
        self._events = {
            "events": {*deployment.changeable_events, *(each.tuvens for each in linked)},
            "linked-event": {each.hi for each in linked},
        }
        self._linked = {each.hi: each.tuvens for each in linked}
        own = [deployment.return_origin, *(each.url for each in deployment.targets.values() if each.app != "hi.events")]
        self._origins = {_origin(each) for each in own if each}

    def owns(self, event: Linked) -> None:
        """Note that an event was made at hi.events for an event of the deployment file."""
        self._events["linked-event"].add(event.hi)
        self._linked[event.hi] = event.tuvens

    def learn(self, call: Call, answer: Answer) -> Iterator[tuple[str, str]]:
        """(kind, value) of the secrets that an answer hands out; from then on they are right."""
        for kind, value in handed_out(call, answer):
            credentials = list(self._credentials(openapi.find(call.operation), call))
            self._whose[value] = self._user(_fields(call), credentials)
            yield kind, value

    def of(self, app: str, call: Call) -> SentRequest:
        """What a call to an application may do."""
        if not call.operation:
            return SentRequest(app, call.method, "", NOBODY, frozenset({_of_unknown_path(call.method)}))
        operation = openapi.find(call.operation)
        if call.method in ("HEAD", "OPTIONS"):
            return SentRequest(app, call.method, operation.id, NOBODY, frozenset({Effect.READ}))
        fields, given = _fields(call), list(self._credentials(operation, call))
        kind = _kind(operation, fields)
        found = {Effect.FORGE if self._is_forged(operation, call, kind, fields, given) else kind}
        if call.method != operation.method:
            found.add(Effect.METHODS)
        if self._is_malformed(operation, call, fields):
            found.add(Effect.MALFORMED)
        return SentRequest(app, call.method, operation.id, self._user(fields, given), frozenset(found))

    def of_page(self, app: str, call: Call) -> SentRequest:
        """What a request of an operation may do that a page sends in a browser: how it is written, with which token,
        is the page's own affair."""
        operation, fields = openapi.find(call.operation), _fields(call)
        kind = _kind(operation, fields)
        forged = kind is Effect.CHANGE and not self._is_about_ours(operation, call, fields)
        return SentRequest(app, call.method, operation.id, PAGE, frozenset({Effect.FORGE if forged else kind}))

    def _is_forged(
        self, operation: openapi.Operation, call: Call, kind: Effect, fields: Fields, given: Sequence[_Credential]
    ) -> bool:
        if not all(who for _, who in given):
            return True
        if not given and operation.security and kind is not Effect.READ:
            return True
        token = fields.get("session_token")
        if token and not (isinstance(token, str) and token in self._whose):
            return True
        account = fields.get("account_id")
        user = next((self._users[value] for value, _ in given if value in self._users), None)
        if kind is Effect.MINT and user is not None and isinstance(account, int) and account != user.account_id:
            return True
        return kind is Effect.CHANGE and not self._is_about_ours(operation, call, fields)

    def changed_events(self, call: Call) -> Iterator[tuple[str, str]]:
        """(application, id) of each event of the deployment file that a call may change, whatever its credentials are:
        a change at hi.events is reported to tuvens-api, and the event that a page makes may be, too."""
        if not call.operation:
            return
        operation, fields = openapi.find(call.operation), _fields(call)
        if _kind(operation, fields) is not Effect.CHANGE or not self._is_about_ours(operation, call, fields):
            return
        event = _event_of(operation, call, fields)
        if operation.changes == "linked-event":
            yield "hi.events", event
            event = self._linked.get(event, "")
        if event:
            yield "tuvens-api", event

    def _is_about_ours(self, operation: openapi.Operation, call: Call, fields: Fields) -> bool:
        return _event_of(operation, call, fields) in self._events[operation.changes or "events"]

    def _is_malformed(self, operation: openapi.Operation, call: Call, fields: Fields) -> bool:
        body = call.body or b""
        if len(body) > _LARGE or request_problems(operation, call.target, call.headers, body):
            return True
        if any(_origin(str(fields[name])) not in self._origins for name in _RETURNS if name in fields):
            return True
        return _HOSTILE.search(unquote(call.target) + "\n" + "\n".join(_texts(fields))) is not None

    def _credentials(self, operation: openapi.Operation, call: Call) -> Iterator[_Credential]:
        """Each credential of a call that a scheme of the operation reads, and whose it is; "" if nobody gave it."""
        for scheme in operation.schemes:
            if scheme.place == "cookie":
                value = _cookies(call).get(self._deployment.targets[operation.app].jwt_cookie or scheme.field)
            else:
                value = header(call.headers, scheme.field)
            if value is None:
                continue
            if scheme.signs:
                right = signature_matches(self._deployment.shared_secret, call.body or b"", value)
                yield value, BACK_END if right else ""
            elif scheme.secret == "shared-secret":
                yield value, BACK_END if value == self._deployment.shared_secret else ""
            else:
                value = value.removeprefix(scheme.prefix)
                yield value, self._whose.get(value, "")

    def _user(self, fields: Fields, given: Sequence[_Credential]) -> str:
        """As whom a call with these credentials is sent."""
        whose = [who for _, who in given]
        token = fields.get("session_token")
        if not whose and isinstance(token, str):
            whose = [self._whose.get(token, "")]
        return (whose[0] or "unknown") if whose else NOBODY


def _event_of(operation: openapi.Operation, call: Call, fields: Fields) -> str:
    """The id of the event that a call is about; empty if it names none."""
    if operation.id == _PAGE:
        return str(fields.get("event_id", ""))
    if "{id}" in operation.path:
        path = call.target.partition("?")[0].split("/")
        return unquote(path[operation.path.split("/").index("{id}")]) if len(path) > 1 else ""
    payload = object_or_empty(call.body or b"").get("payload")
    return str(payload.get("tuvens_event_id", "")) if isinstance(payload, dict) else ""


def _kind(operation: openapi.Operation, fields: Fields) -> Effect:
    if operation.changes or (operation.id == _PAGE and fields.get("action")):
        return Effect.CHANGE
    if operation.hands_out or (operation.base == "pages" and "session_token" in fields):
        return Effect.MINT
    return Effect.READ


def _of_unknown_path(method: str) -> Effect:
    if method in _ASKING:
        return Effect.READ
    return Effect.MALFORMED if method == "POST" else Effect.METHODS


def _fields(call: Call) -> Fields:
    """The parameters of the query, and the fields of the body."""
    query = dict(parse_qsl(call.target.partition("?")[2], keep_blank_values=True))
    return {**query, **object_or_empty(call.body or b"")}


def _texts(value: object) -> Iterator[str]:
    """The texts in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _cookies(call: Call) -> Mapping[str, str]:
    try:
        parsed = SimpleCookie(header(call.headers, "cookie") or "")
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in parsed.items()}


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc
