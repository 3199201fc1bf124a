"""Style rules: what these documents must have beyond being valid OpenAPI.

A rule takes the document and yields (JSON pointer, message) for each place that breaks it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from openapi.problems import escape
from openapi.schema import Schemas, at_pointer
from openapi.walk import Node, walk

Problems = Iterator[tuple[str, str]]

LONGEST_SUMMARY = 80

RATE_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_ADVISED = ("413", "429")

_CAMEL = re.compile(r"[a-z]+([A-Z][a-z]*)*")
_EDITION = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class LintedDocument:
    """A bundled document that is valid OpenAPI, with the objects that the rules look at.

    own_components: section and name of the components that the document's own file lists.
    """

    schemas: Schemas
    own_components: frozenset[tuple[str, str]]

    @property
    def raw(self) -> dict[str, Any]:
        return self.schemas.raw

    @cached_property
    def nodes(self) -> list[Node]:
        return list(walk(self.raw))

    @cached_property
    def operations(self) -> list[Node]:
        return [node for node in self.nodes if node.kind == "operation"]

    def responses(self, operation: Node) -> Iterator[tuple[str, str, Any]]:
        """Status, pointer and object of each response of an operation; pointers start at the operation."""
        for status, response in operation.value.get("responses", {}).items():
            at = f"{operation.pointer}/responses/{escape(status)}"
            yield status, at, self.schemas.follow(response, at)[0]


def edition(document: LintedDocument) -> Problems:
    """info.version is an edition of the contract: a year and a month."""
    if not _EDITION.fullmatch(str(document.raw["info"]["version"])):
        yield "/info/version", "is not an edition; write year and month, as 2025-07"


def tags(document: LintedDocument) -> Problems:
    """Every operation has a tag; tags are declared, described and used."""
    declared = {tag["name"]: tag for tag in document.raw.get("tags", ())}
    used = set()
    for node in document.operations:
        names = node.value.get("tags", ())
        used.update(names)
        if not names:
            yield node.pointer, "has no tag"
        for n, name in enumerate(names):
            if name not in declared:
                yield f"{node.pointer}/tags/{n}", f"the tag {name!r} is not declared"
    for n, (name, tag) in enumerate(declared.items()):
        if name not in used:
            yield f"/tags/{n}", f"no operation has the tag {name!r}"
        if not tag.get("description"):
            yield f"/tags/{n}", f"the tag {name!r} has no description"


def operation_texts(document: LintedDocument) -> Problems:
    """Every operation has an operationId in lowerCamelCase, a summary of one short line, and a description."""
    for node in document.operations:
        name = node.value.get("operationId")
        if name is None:
            yield node.pointer, "has no operationId"
        elif not _CAMEL.fullmatch(name):
            yield f"{node.pointer}/operationId", f"{name!r} is not in lowerCamelCase"
        summary = node.value.get("summary", "")
        if not summary:
            yield node.pointer, "has no summary"
        elif len(summary) > LONGEST_SUMMARY or summary.endswith(".") or "\n" in summary:
            yield f"{node.pointer}/summary", f"is not one line of {LONGEST_SUMMARY} characters without a full stop"
        if not node.value.get("description"):
            yield node.pointer, "has no description"


def security(document: LintedDocument) -> Problems:
    """Every operation says who may call it; a requirement names one scheme; 401 is documented where one is."""
    schemes = document.raw.get("components", {}).get("securitySchemes", {})
    for node in document.operations:
        requirements = node.value.get("security")
        if requirements is None:
            yield node.pointer, "does not say who may call it; write security, [] where it is public"
            continue
        for n, requirement in enumerate(requirements):
            at = f"{node.pointer}/security/{n}"
            if len(requirement) != 1:
                yield at, "must name exactly one scheme; alternatives are entries of their own"
            for name in requirement:
                if name not in schemes:
                    yield at, f"there is no security scheme {name!r}"
        if requirements and "401" not in node.value.get("responses", {}):
            yield f"{node.pointer}/responses", "needs credentials, but documents no 401"


def statuses(document: LintedDocument) -> Problems:
    """Success is 200; no status is left to `default` or a range; bodies, limits and choices have their statuses."""
    for node in document.operations:
        responses = node.value.get("responses", {})
        at = f"{node.pointer}/responses"
        for status in responses:
            if not status.isdecimal():
                yield f"{at}/{escape(status)}", "is not a status; write each one out"
            elif status.startswith("2") and status != "200":
                yield f"{at}/{status}", "success is 200 in this contract"
        if "requestBody" in node.value:
            if "413" not in responses:
                yield at, "takes a body, but documents no 413"
            if not {"400", "422"} & responses.keys():
                yield at, "takes a body, but documents neither 400 nor 422"
        for n, choice in enumerate(entries(node, "x-status-choices")):
            for status in choice if isinstance(choice, list) else ():
                if str(status) not in responses:
                    yield f"{node.pointer}/x-status-choices/{n}", f"{status} is not documented for the operation"
        if "x-rate-limit" in node.value and "429" not in responses:
            yield at, "is limited, but documents no 429"


def entries(node: Node, extension: str) -> list[Any]:
    """The entries of an extension; none where it is no list, which is another rule's matter."""
    value = node.value.get(extension)
    return value if isinstance(value, list) else []


def annotations(document: LintedDocument) -> Problems:
    """Every operation has x-contract; PUT, PATCH and DELETE have x-changes; all or none have x-audited."""
    own = [node for node in document.operations if node.pointer.startswith("/paths/")]
    audits = any("x-audited" in node.value for node in own)
    for node in own:
        if "x-contract" not in node.value:
            yield node.pointer, "does not say where the contract speaks of it; write x-contract"
        if audits and "x-audited" not in node.value:
            yield node.pointer, "does not say whether the audit log has its calls, as others do; write x-audited"
        if node.pointer.endswith(("/put", "/patch", "/delete")) and "x-changes" not in node.value:
            yield node.pointer, "does not say what it changes; write x-changes, null where that is no event"


def rate_limit_headers(document: LintedDocument) -> Problems:
    """If one response of an operation has the rate-limit headers, every response names all three; those of the route
    itself require them, while past the limit and where a parser answers they are advice."""
    for node in document.operations:
        responses = list(document.responses(node))
        if not any(name in response.get("headers", {}) for _, _, response in responses for name in RATE_LIMIT_HEADERS):
            continue
        for status, at, response in responses:
            headers = response.get("headers", {})
            for name in RATE_LIMIT_HEADERS:
                header = document.schemas.follow(headers.get(name, {}), "")[0]
                if not header:
                    yield at, f"lacks {name}, which other responses of this operation have"
                elif status not in _ADVISED and not header.get("required"):
                    yield at, f"does not require {name}, as other responses of this operation do"


def errors(document: LintedDocument) -> Problems:
    """Every JSON body of a 4xx or 5xx has a shared schema whose name ends in Error."""
    for node in document.operations:
        for status, at, response in document.responses(node):
            media = response.get("content", {}).get("application/json")
            if media is None or status[:1] not in "45":
                continue
            if not re.fullmatch(r"#/components/schemas/\w*Error", media.get("schema", {}).get("$ref", "")):
                yield at, "an error's body must be a $ref to a component whose name ends in Error"


def redirects(document: LintedDocument) -> Problems:
    """Every 3xx requires the header Location."""
    for node in document.operations:
        for status, at, response in document.responses(node):
            header = response.get("headers", {}).get("Location", {})
            if status.startswith("3") and not document.schemas.follow(header, "")[0].get("required"):
                yield at, "a redirect must require the header Location"


def links(document: LintedDocument) -> Problems:
    """A link names an operation of the document and parameters that it has, and is described."""
    known = {node.value.get("operationId"): node for node in document.operations}
    for node in document.nodes:
        if node.kind != "response":
            continue
        for name, link in node.value.get("links", {}).items():
            at = f"{node.pointer}/links/{escape(name)}"
            operation = known.get(link.get("operationId"))
            if operation is None:
                yield at, f"there is no operation {link.get('operationId')!r} in this document"
                continue
            shared = at_pointer(document.raw, operation.pointer.rpartition("/")[0]).get("parameters", ())
            own = operation.value.get("parameters", ())
            there = {document.schemas.follow(each, "")[0]["name"] for each in (*shared, *own)}
            for parameter in link.get("parameters", {}):
                if parameter not in there:
                    yield f"{at}/parameters/{escape(parameter)}", "the operation has no such parameter"
            if not link.get("description"):
                yield at, "the link has no description"


def open_schemas(document: LintedDocument) -> Problems:
    """No schema is closed: extra fields are allowed in requests and responses."""
    for node in document.nodes:
        if node.kind == "schema":
            for key in ("additionalProperties", "unevaluatedProperties"):
                if node.value.get(key) is False:
                    yield f"{node.pointer}/{key}", "must not be false: extra fields are allowed in this contract"


def described(document: LintedDocument) -> Problems:
    """Parameters, headers, security schemes, shared schemas and every property have a description."""
    for node in document.nodes:
        value = node.value
        shared = node.kind == "schema" and re.fullmatch(r"/components/schemas/[^/]+", node.pointer)
        if (shared or node.kind in ("parameter", "header", "scheme")) and not value.get("description"):
            yield node.pointer, f"the {node.kind} has no description"
        properties = value.get("properties") if node.kind == "schema" else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if isinstance(schema, dict) and not schema.keys() & {"description", "$ref"}:
                yield f"{node.pointer}/properties/{escape(name)}", "the property has no description"


def required_exist(document: LintedDocument) -> Problems:
    """A required property is among the properties, and so has a description."""
    for node in document.nodes:
        if node.kind != "schema" or not isinstance(node.value.get("required"), list):
            continue
        for n, name in enumerate(node.value["required"]):
            if name not in node.value.get("properties", {}):
                yield f"{node.pointer}/required/{n}", f"{name!r} is not among the properties"


def unused_components(document: LintedDocument) -> Problems:
    """Every component that the file lists is used in the document. The pointers are those of the file."""
    used = set(_refs(document.raw))
    for node in document.operations:
        for requirement in node.value.get("security", ()):
            used.update(f"#/components/securitySchemes/{name}" for name in requirement)
    for section, name in sorted(document.own_components):
        pointer = f"/components/{section}/{escape(name)}"
        if f"#{pointer}" not in used:
            yield pointer, "is not used"


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


RULES = (
    edition,
    tags,
    operation_texts,
    security,
    statuses,
    annotations,
    rate_limit_headers,
    errors,
    redirects,
    links,
    open_schemas,
    described,
    required_exist,
)
