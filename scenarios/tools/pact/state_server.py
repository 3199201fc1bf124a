"""The addresses that Pact verifiers call for provider states and for messages.

A POST of `{"state", "action", "params"}` as JSON is answered with the values that the interactions' generators need, or
with 422 and the reason if this deployment cannot be brought into the state. Never with 5xx: verifiers repeat those for
minutes.
"""

import json
from typing import Any

from harness.http import WireError, read_json
from harness.story import StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.tools.loopback import App
from scenarios.tools.pact.provider_states import ProviderStates, Values

PREFIX = "/__pact__/"
STATES_PATH, MESSAGES_PATH = PREFIX + "provider-states", PREFIX + "messages"
_LONGEST_BODY = 64 * 1024


def with_states(states: ProviderStates, provider: App) -> App:
    """An ASGI application that serves the addresses below `/__pact__/`, and the provider at all others."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if not scope["path"].startswith(PREFIX):
            await provider(scope, receive, send)
            return
        status: int
        value: bytes | Values
        try:
            status, value = await _answer(states, scope, receive)
        except Exception as error:
            states.fault = _redacted(states, f"a fault of crossapp: {type(error).__name__}: {error}")
            status, value = 422, {"error": states.fault}
        body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def _answer(states: ProviderStates, scope: Any, receive: Any) -> tuple[int, bytes | Values]:
    asked = await _posted_object(scope, receive)
    if asked is None:
        return 400, {"error": "POST a JSON object here, as a Pact verifier does"}
    if scope["path"] == MESSAGES_PATH:
        return await _answer_message(states)
    state = asked.get("state")
    if scope["path"] != STATES_PATH or not isinstance(state, str):
        return 404, {"error": f"state changes go to {STATES_PATH}, with the field state; messages to {MESSAGES_PATH}"}
    if asked.get("action") == "teardown":
        await states.end()
        return 200, {}
    values = await states.begin(state)
    if values is None:
        return 422, {"error": _redacted(states, states.lacking or states.unreached)}
    return 200, values


async def _answer_message(states: ProviderStates) -> tuple[int, bytes | Values]:
    try:
        data = await states.message()
    except (StoryStoppedError, TargetGoneError) as error:
        states.unreached = str(error)
        return 422, {"error": _redacted(states, states.unreached)}
    if data is None:
        return 404, {"error": "no message arrived"}
    return 200, data.encode("utf-8", "replace")


def _redacted(states: ProviderStates, text: str) -> str:
    return states.cast.stage.recorder.redactor.redact(text)


async def _posted_object(scope: Any, receive: Any) -> dict[str, Any] | None:
    """The JSON object in a POST. None for anything else, and for requests that a foreign page in a browser can send:
    those without a JSON content type or to another Host name."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    hosts = [value.partition(b":")[0] for name, value in scope["headers"] if name == b"host"]
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or len(body) > _LONGEST_BODY:
            return None
        if not message.get("more_body"):
            break
    if scope["method"] != "POST" or not kinds or not kinds[0].startswith(b"application/json"):
        return None
    if any(host not in (b"127.0.0.1", b"localhost") for host in hosts):
        return None
    try:
        value = read_json(body)
    except WireError:
        return None
    return value if isinstance(value, dict) else None
