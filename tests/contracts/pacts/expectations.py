"""What a consumer expects of a provider: written down, tried on the consumer's own client, kept as a Pact file.

An expectation spells its request out in full. That the wire module's builder sends exactly this, and that its reader
understands the answer, is what Pact's mock server and `met` find out; the file is only written of what was tried.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pact import Pact, generate, match

from harness.http import Answer, Call, object_or_empty

JSON = "application/json"
_JSON_TYPE = r"^[Aa]pplication/[Jj][Ss][Oo][Nn]\s*(;.*)?$"
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}|\.[0-9]{6})?(Z|\+00:00)$"
AN_HOUR_AGO = "2025-07-25T14:30:00.000Z"

Quote = tuple[str, str]
"""A section of the contract page, and words of it."""


@dataclass(frozen=True)
class Then:
    """What must come back: `status`, JSON `body`, `headers`. `reads` is how the consumer reads the answer, `met` what
    it then knows."""

    status: int
    reads: Callable[[Answer], object]
    met: object
    body: Mapping[str, object] | None = None
    headers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One request and its answer.

    `key` names it within its consumer; `state` is the provider's, a plain sentence; `operation` and `quote` say
    where the contract has it. In `path` a `${name}` is a value that the provider state gives; `example` is the path
    without it. `headers`, `query` and `body` are what must be sent. `call` is what the consumer's client makes of it.
    """

    key: str
    description: str
    state: str
    operation: str
    quote: Quote
    method: str
    path: str
    example: str = ""
    headers: Mapping[str, object] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    call: Call
    then: Then


@dataclass(frozen=True, kw_only=True)
class ExpectedMessage:
    """One message: `reads` is how the consumer reads its text, `met` what it then knows."""

    key: str
    description: str
    state: str
    operation: str
    quote: Quote
    content: Mapping[str, object]
    reads: Callable[[str], object]
    met: object


Expected = Expectation | ExpectedMessage


@dataclass(frozen=True)
class Seam:
    """All that one consumer expects of one provider."""

    consumer: str
    provider: str
    expected: tuple[Expected, ...]

    @property
    def file(self) -> str:
        """The name of its Pact file."""
        return f"{self.consumer}-{self.provider}.json"


def fields(*names: str) -> Callable[[Answer], dict[str, object]]:
    """Reads these fields of an answer's JSON body, as a consumer does that needs no more; None for a missing one."""

    def read(answer: Answer) -> dict[str, object]:
        value = object_or_empty(answer.body)
        return {name: value.get(name) for name in names}

    return read


class NotMetError(AssertionError):
    """A consumer that reads something else than it expects."""


def of_state(name: str, example: object) -> object:
    """A value that the provider state gives as `name`; any of the example's type will do for the consumer."""
    return match.type(example, generator=generate.provider_state("${" + name + "}"))


def json_type() -> object:
    """The media type of JSON, with any parameters."""
    return match.regex(JSON, regex=_JSON_TYPE)


def text(example: str, regex: str = "^.+$") -> object:
    """A JSON string that matches; by default any but the empty one. A regex alone would take a number, too."""
    both = [{"pact:matcher:type": "type"}, {"pact:matcher:type": "regex", "regex": regex}]
    return {"pact:matcher:type": both, "value": example}


def present(example: str) -> object:
    """Any value that is not null and not empty, for what a consumer shows or logs as it comes."""
    return {"pact:matcher:type": "notEmpty", "value": example}


def time(example: str = AN_HOUR_AGO) -> object:
    """A moment as the contract writes them: milliseconds, microseconds or whole seconds, in UTC."""
    return text(example, TIME)


def try_out(seam: Seam, expected: Expected, folder: Path) -> None:
    """Have the consumer meet the mock of its expectation, then add it to the Pact file in `folder`.

    Raises MismatchesError where the consumer sends something else, WireError or NotMetError where it does not read
    the answer as it should.
    """
    pact = Pact(seam.consumer, seam.provider).with_specification("V4")
    if isinstance(expected, Expectation):
        _describe_http(pact, expected)
        with pact.serve("127.0.0.1") as server:
            answer = _send(expected.call, str(server.url))
        _compare(expected.key, expected.then.reads(answer), expected.then.met)
    else:
        _describe_message(pact, expected)
        pact.verify(lambda body, _: _compare(expected.key, expected.reads(str(body)), expected.met), kind="Async")
    pact.write_file(folder)


def _compare(key: str, found: object, met: object) -> None:
    if found != met:
        raise NotMetError(f"{key}: the consumer reads {found!r}, not {met!r}")


def _describe_http(pact: Pact, expected: Expectation) -> None:
    interaction: Any = pact.upon_receiving(expected.description)
    _note(interaction, expected)
    if expected.example:
        wanted = "^" + expected.path.replace(".", r"\.")
        for name in _names_in(expected.path):
            wanted = wanted.replace("${" + name + "}", "[^/]+")
        interaction.with_request(expected.method, match.regex(expected.example, regex=wanted + "$"))
        interaction.with_generators({"path": {"type": "ProviderState", "expression": expected.path}})
    else:
        interaction.with_request(expected.method, expected.path)
    for name, value in expected.headers.items():
        interaction.with_header(name, value)
    for name, value in expected.query.items():
        interaction.with_query_parameter(name, value)
    if expected.body is not None:
        interaction.with_body(dict(expected.body), content_type=JSON)
    then = expected.then
    interaction.will_respond_with(then.status)
    for name, value in then.headers.items():
        interaction.with_header(name, value)
    if then.body is not None:
        interaction.with_header("Content-Type", json_type())
        interaction.with_body(dict(then.body), content_type=JSON)


def _describe_message(pact: Pact, expected: ExpectedMessage) -> None:
    interaction: Any = pact.upon_receiving(expected.description, "Async")
    _note(interaction, expected)
    interaction.with_body(dict(expected.content), content_type=JSON)


def _note(interaction: Any, expected: Expected) -> None:
    section, words = expected.quote
    interaction.set_key(expected.key)
    interaction.set_comment("operation", expected.operation)
    interaction.set_comment("source", {"section": section, "quote": words})
    interaction.given(expected.state)


def _names_in(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("${")[1:]]


def _send(call: Call, base_url: str) -> Answer:
    response = httpx.request(
        call.method,
        base_url + call.target,
        headers=list(call.headers),
        content=call.body,
        trust_env=False,
        follow_redirects=False,
    )
    return Answer(response.status_code, tuple(response.headers.multi_items()), response.content)
