"""The OpenAPI documents for the fuzzer: with examples that the deployment accepts, without what other rules judge.

Schemathesis checks every response against its document. So what no rule judges (last section of the contract page), and
what a rule of its own judges, is removed here, each with its reason.
"""

import copy
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import openapi
from openapi.documents import METHODS

# An ill-formed body may be refused with any of these: 400 or 422 by validation, 413 and 415 by the body parser
# (contract page: "Status of a wrong content type (400, 415 or 422); of a body too large (413 or 400)"). The rules of
# the seams judge which one is right.
_OF_FORM = ("400", "413", "415", "422")
# "Order on every route: authentication (401), then the request's form (400), then existence": the id in a path may be
# ill-formed, too. And a proxy may limit any flood.
_OF_EVERY = ("400", "429")
HOSTILE = 'O\'Neill "x" \\ `y` -- %s ${7*7} {{7*7}} <b>'
"""Breaks code that concatenates texts: SQL, shells, templates, formats, HTML."""
_OF_NO_RULE = frozenset({"pattern", "format", "maxLength"})


Values = Mapping[str, Any]
"""Values that a deployment accepts, by place and name: `body.session_token`, `path.id`."""


def adapted(app: str, edition: str, examples: Callable[[str], Sequence[Values]]) -> dict[str, Any]:
    """A document for the fuzzer. `examples` returns sets of values for an operationId. Each set makes examples, and
    each free text is also replaced by a hostile text once."""
    document = openapi.load(app, edition)
    raw = document.bundled()
    raw.pop("webhooks", None)  # fuzzed as operations of the application that receives them
    shape = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for item in raw["paths"].values():
        shared = item.pop("parameters", [])
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            for name in (*_OF_EVERY, *(_OF_FORM if "requestBody" in operation else ())):
                operation["responses"].setdefault(name, {"description": "Refused.", "content": shape})
            sets = examples(operation["operationId"])
            parameters = [copy.deepcopy(_followed(raw, each)) for each in (*shared, *operation.get("parameters", ()))]
            operation["parameters"] = [_exemplified(each, sets) for each in parameters]
            known = document.operations[operation["operationId"]]
            for media in operation.get("requestBody", {}).get("content", {}).values():
                _exemplify_body(media, sets, known)
    for response in _responses(raw):
        # The rules of event_stream judge the messages of a stream.
        response.get("content", {}).get("text/event-stream", {}).pop("schema", None)
        # rate_limits.limits_are_announced judges these headers of all responses.
        for name in [name for name in response.get("headers", {}) if name.lower().startswith("x-ratelimit-")]:
            del response["headers"][name]
    return raw


def lenient(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A document by which only certainly ill-formed requests have problems.

    `null` is allowed everywhere: the contract leaves open whether it counts as missing. So are texts of any pattern,
    format and length: the contract does not oblige a receiver to refuse them.
    """
    loosened = copy.deepcopy(dict(raw))
    _loosen(loosened)
    return loosened


def _loosen(node: Any) -> None:
    if isinstance(node, list):
        for each in node:
            _loosen(each)
    if not isinstance(node, dict):
        return
    for key in ("properties", "schemas"):
        for schema in node.get(key, {}).values() if isinstance(node.get(key), dict) else ():
            _loosen_schema(schema)
    if isinstance(node.get("schema"), dict):
        _loosen_schema(node["schema"])
    for value in node.values():
        _loosen(value)


def _loosen_schema(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    for word in _OF_NO_RULE:
        schema.pop(word, None)
    kinds = schema.get("type")
    if kinds is not None:
        schema["type"] = sorted({*([kinds] if isinstance(kinds, str) else kinds), "null"})
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]


def are_linked(raw: dict[str, Any], names: Collection[str]) -> bool:
    """Whether a response of one of these operations has a link to one of them: sequences of calls follow links."""
    return any(
        link.get("operationId") in names
        for item in raw["paths"].values()
        for method in METHODS
        if item.get(method, {}).get("operationId") in names
        for response in item[method]["responses"].values()
        for link in _followed(raw, response).get("links", {}).values()
    )


def _followed(raw: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """A parameter or response, its $ref resolved."""
    while "$ref" in node:
        _, section, name = node["$ref"].removeprefix("#/").split("/")
        node = raw["components"][section][name]
    return node


def _responses(raw: dict[str, Any]) -> list[dict[str, Any]]:
    shared = raw.get("components", {}).get("responses", {}).values()
    own = [
        response
        for item in raw["paths"].values()
        for method in METHODS
        for response in item.get(method, {}).get("responses", {}).values()
    ]
    return [*shared, *own]


def _exemplified(parameter: dict[str, Any], sets: Sequence[Values]) -> dict[str, Any]:
    """A parameter with examples: the deployment's values instead of the document's, and a hostile text."""
    if "example" not in parameter or "content" in parameter:
        return parameter
    name = f"{parameter['in']}.{parameter['name']}"
    texts = [values.get(name) or parameter["example"] for values in sets]
    if parameter["schema"].get("type", "string") == "string":
        texts.append(HOSTILE)
    del parameter["example"]
    return {**parameter, "examples": _named(texts)}


def _exemplify_body(media: dict[str, Any], sets: Sequence[Values], operation: openapi.Operation) -> None:
    given = [each["value"] for each in media.pop("examples", {}).values()] or [media.pop("example")]
    filled = [_filled(each, values) for values in sets for each in given]
    hostile = [each for each in _with_one_hostile_text(filled[0]) if _fits(each, operation)]
    media["examples"] = _named([*filled, *hostile])


def _named(values: Sequence[Any]) -> dict[str, Any]:
    return {f"example{number}": {"value": each} for number, each in enumerate(values, start=1)}


def _filled(value: Any, values: Values) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: values.get(f"body.{name}", _filled(part, values)) for name, part in value.items()}


def _with_one_hostile_text(value: Any) -> Iterator[Any]:
    """Copies of a body, each with another text of it replaced by the hostile text."""
    if isinstance(value, str):
        yield HOSTILE
    if isinstance(value, dict):
        for name, part in value.items():
            for changed in _with_one_hostile_text(part):
                yield {**value, name: changed}


def _fits(body: Any, operation: openapi.Operation) -> bool:
    problems = operation.request_problems(
        path={}, query=(), content_type="application/json", body=json.dumps(body).encode()
    )
    return not any(each.pointer.startswith("/body") for each in problems)
