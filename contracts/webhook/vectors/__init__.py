"""Deliveries as PHP, Node and Python write and sign them, and signatures by openssl: real output, made by make.py.

php.json, node.json, python.json   bodies of event.status_changed, each signed by the language's own library
openssl.json                       signatures over bytes that are no JSON, with unusual keys
"""

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("php", "node", "python", "openssl")
EVENT, NUMBER, STATUS, SENT_AT = "event-of-the-vector", 902100113, "LIVE", "2025-07-25T14:30:00.000Z"
"""What stands in the body of a delivery for tuvens_event_id, id, status and event_sent_at."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Bytes as a tool made them, the key (UTF-8), and the tool's signature header for them. `made_by` is the
    expression that wrote the body, `tool` names the tool and its version."""

    language: str
    tool: str
    name: str
    made_by: str
    key: str
    body: bytes
    signature: str

    def body_for(self, *, event_id: str, number: int, status: str, sent_at: str) -> bytes:
        """The same body for another event, status and time, byte for byte as this tool writes everything else."""
        body = self.body
        for old, new in ((EVENT, event_id), (SENT_AT, sent_at), (STATUS, status)):
            body = body.replace(b'"' + old.encode() + b'"', json.dumps(new).encode())
        return body.replace(str(NUMBER).encode(), str(number).encode())


@cache
def vectors(language: str) -> tuple[Vector, ...]:
    """The vectors of a language. Raises KeyError for an unknown one."""
    if language not in LANGUAGES:
        raise KeyError(language)
    file: dict[str, Any] = json.loads(Path(__file__).with_name(f"{language}.json").read_text("utf-8"))
    return tuple(
        Vector(
            language,
            file["tool"],
            each["name"],
            each["made_by"],
            each["key"],
            base64.b64decode(each["body_base64"]),
            each["signature"],
        )
        for each in file["vectors"]
    )
