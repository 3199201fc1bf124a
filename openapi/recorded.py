"""Validation of recorded requests, in which placeholders replace secrets."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from openapi.documents import load
from openapi.message import joined
from openapi.operation import Operation
from openapi.problems import NotJsonError, Problem, json_value

LANES = ("tuvens-client", "tuvens-api", "hi.events")
"""The applications in the order in which a user meets them: the columns of a sequence diagram."""

_PLACEHOLDER = re.compile(r"<[a-z]+(?:-[a-z]+)*:[0-9a-f]{8}>")
_MOST = 20
_MOST_FIELDS = 100


class Signature(NamedTuple):
    """How a request is signed: the header, the prefix of its value, x-signature in words, and the kind of key."""

    header: str
    prefix: str
    words: str
    key: str


def request_problems(operation: Operation, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> list[str]:
    """What is wrong with the form of a recorded request, as `pointer: message`, at most 20.

    Problems of a value that a placeholder replaces are left out: the value itself may have been valid.
    """
    path, _, query = target.partition("?")
    values = parse_qsl(query, keep_blank_values=True) if query.count("&") < _MOST_FIELDS else []
    kind = next((value for name, value in headers if name.lower() == "content-type"), None)
    parameters = _path_values(operation, path)
    found = operation.request_problems(path=parameters, query=values, content_type=kind, body=body)
    try:
        value = json_value(body) if body else None
    except NotJsonError:
        value = None
    stands = {"path": parameters, "query": dict(values), "body": value}
    return [f"{each.pointer}: {each.message}" for each in found if not _is_replaced(each, stands)][:_MOST]


def response_problems(operation: Operation, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> list[str]:
    """What is wrong with a recorded response, as `pointer: message`, at most 20; problems of a value that a placeholder
    replaces are left out."""
    found = operation.response_problems(status=status, headers=headers, body=body)
    try:
        value = json_value(body) if body else None
    except NotJsonError:
        value = None
    stands = {"headers": joined(headers), "body": value}
    return [f"{each.pointer}: {each.message}" for each in found if not _is_replaced(each, stands)][:_MOST]


def signature_of(operation: Operation) -> Signature | None:
    """How a caller signs a request of the operation (x-signature); None where it is not signed."""
    schemes = load(operation.app).raw.get("components", {}).get("securitySchemes", {})
    for scheme in operation.schemes:
        if scheme.signs:
            raw = schemes[scheme.name]["x-signature"]
            words = f"{raw['algorithm'].upper()} over the {raw['over'].replace('-', ' ')}, {raw['encoding']}"
            return Signature(scheme.field, scheme.prefix, words, raw["key"])
    return None


def _path_values(operation: Operation, path: str) -> dict[str, str]:
    """The decoded path parameters; the path may be longer than the template, at its beginning."""
    parts = re.split(r"{(\w+)}", operation.path)
    pattern = "".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    match = re.search(f"{pattern}$", path)
    return {} if match is None else {name: unquote(value) for name, value in match.groupdict().items()}


def _is_replaced(problem: Problem, stands: object) -> bool:
    node = stands
    for part in problem.pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict):
            node = node.get(name)
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            return False
    return isinstance(node, str) and _PLACEHOLDER.search(node) is not None
