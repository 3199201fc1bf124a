"""Webhooks byte for byte, with the signature header that each comes with and what a receiver must make of it.

`vectors.json` is the one file, `vectors.schema.json` its form, `make.py` its maker; README.md tells other projects how
to use them.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("vectors.json")
SCHEMA = Path(__file__).with_name("vectors.schema.json")
LANGUAGES = ("php", "node", "python")
EVENT, NUMBER, STATUS, SENT_AT = "event-of-the-vector", 902100113, "LIVE", "2025-07-25T14:30:00.000Z"
"""What stands in the body of a delivery for tuvens_event_id, id, status and event_sent_at."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One delivery and what becomes of it.

    `key` is used as UTF-8. `header` is the signature header's value in ISO 8859-1, None: it is absent. `outcome`:
    "accept" (rightly signed and well formed), "malformed" (rightly signed, refused for its body), "open" (rightly
    signed; whether the body is understood is left open), "refuse" (not rightly signed, for the reason `why`).
    `statuses` are the answers that a receiver may give, `answers` the right signatures for key and body by language.
    `written_by` is the language whose own JSON library wrote the body, and `expression` how; empty for other bodies.
    """

    id: str
    key: str
    body: bytes
    header: str | None
    outcome: str
    statuses: tuple[int, ...]
    why: str
    answers: Mapping[str, str]
    written_by: str = ""
    expression: str = ""

    def body_for(self, *, event_id: str, number: int, status: str, sent_at: str) -> bytes:
        """The same body for another event, status and time, byte for byte as this tool writes everything else."""
        body = self.body
        for old, new in ((EVENT, event_id), (SENT_AT, sent_at), (STATUS, status)):
            body = body.replace(b'"' + old.encode() + b'"', json.dumps(new).encode())
        return body.replace(str(NUMBER).encode(), str(number).encode())


@cache
def every() -> tuple[Vector, ...]:
    """All vectors, in the file's order."""
    return tuple(map(_vector, json.loads(FILE.read_text("utf-8"))["vectors"]))


def written_by(language: str) -> list[Vector]:
    """The vectors whose bodies a language wrote. Raises KeyError for an unknown one."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return [each for each in every() if each.written_by == language]


def body_of(value: Mapping[str, str]) -> bytes:
    """The bytes of a body in the file: its text as UTF-8, or base64."""
    return value["text"].encode() if "text" in value else base64.b64decode(value["base64"], validate=True)


def _vector(value: Mapping[str, Any]) -> Vector:
    writer = value.get("written_by", {})
    return Vector(
        id=value["id"],
        key=value["key"],
        body=body_of(value["body"]),
        header=value["header"],
        outcome=value["outcome"],
        statuses=tuple(value["statuses"]),
        why=value["why"],
        answers=value["answers"],
        written_by=writer.get("language", ""),
        expression=writer.get("expression", ""),
    )
