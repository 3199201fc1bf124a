"""One operation of a document: its facts, and validation of its requests and responses."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote, urlencode

from openapi.annotations import ContractPlaces, HandedOut, RateLimit
from openapi.message import UNREAD, Content, DocumentedResponse, Field, joined
from openapi.parts import ResponsePart, parts_of
from openapi.problems import Problem, escape, pointer_to
from openapi.schema import Schemas, at_pointer
from openapi.security import Scheme, scheme_of

Base = Literal["api", "pages"]


class Operation:
    """One operation: a path and a method, or a webhook.

    app: the application that serves the operation; for a webhook, the one that sends it.
    id: the operationId.
    method: in upper case.
    path: the template; for a webhook its name, since the path is in the receiver's document.
    base: "api", or "pages" if the path is below the base URL of the pages (x-base).
    raw: the operation object, including the parameters of its path.
    security: names of the schemes, any one of which is enough; () is public.
    schemes: those schemes.
    rate_limit: x-rate-limit; None without a limit.
    check_order: the order of checks (x-check-order); () where the contract leaves it open.
    retry_safe: whether sending a request twice does no harm (x-retry-safe).
    audited: whether each call leaves a record in the audit log (x-audited).
    changes: the capability of a deployment that provides an event which may be changed (x-changes); empty where
        the operation changes no event.
    calls: operationIds of other applications that are called for each request (x-calls).
    status_choices: sets of statuses among which the contract leaves the choice (x-status-choices).
    contract: where the contract page speaks of the operation (x-contract).
    secret_fields: names of body properties, over the document, whose values a recorder must remove.
    statuses: the documented ones.
    """

    def __init__(self, app: str, schemas: Schemas, path: str, method: str, pointer: str) -> None:
        self._schemas = schemas
        item = at_pointer(schemas.raw, pointer)
        self._pointer = f"{pointer}/{method}"
        self._is_webhook = pointer.startswith("/webhooks/")
        document = schemas.raw
        raw: dict[str, Any] = item[method]
        self.raw = {**raw, "parameters": [*item.get("parameters", ()), *raw.get("parameters", ())]}
        self._parameter_pointers = [
            *(f"{pointer}/parameters/{n}" for n in range(len(item.get("parameters", ())))),
            *(f"{self._pointer}/parameters/{n}" for n in range(len(raw.get("parameters", ())))),
        ]
        self.app = app
        self.id: str = raw["operationId"]
        self.method = method.upper()
        self.path = path
        self.base: Base = raw.get("x-base", "api")
        requirements = raw.get("security", document.get("security", ()))
        self.security: tuple[str, ...] = tuple(name for entry in requirements for name in entry)
        known = document.get("components", {}).get("securitySchemes", {})
        self.schemes: tuple[Scheme, ...] = tuple(scheme_of(name, known[name]) for name in self.security)
        self.rate_limit = RateLimit(**raw["x-rate-limit"]) if "x-rate-limit" in raw else None
        self.check_order: tuple[str, ...] = tuple(raw.get("x-check-order", document.get("x-check-order", ())))
        self.retry_safe: bool = raw.get("x-retry-safe", False)
        self.audited: bool = raw.get("x-audited", False)
        self.changes: str = raw.get("x-changes") or ""
        self.calls: tuple[str, ...] = tuple(raw.get("x-calls", ()))
        self.status_choices: tuple[frozenset[int], ...] = tuple(map(frozenset, raw.get("x-status-choices", ())))
        self.contract = ContractPlaces.read(raw.get("x-contract", {}))
        self.secret_fields: frozenset[str] = schemas.secrets
        self.statuses = frozenset(int(status) for status in raw["responses"])
        self._compiled: dict[int, DocumentedResponse] = {}
        literal = (re.escape(part) for part in re.split(r"{\w+}", path))
        self._served_at = re.compile("([^/]+)".join(literal))

    def __repr__(self) -> str:
        return f"<{self.app} {self.id}: {self.method} {self.path}>"

    def target(self, path: Mapping[str, str] | None = None, query: Sequence[tuple[str, str]] | None = None) -> str:
        """Path and query, percent-encoded. Raises ValueError for a webhook or a path parameter not given."""
        if self._is_webhook:
            raise ValueError(f"{self.id} is a webhook: its receiver's operation has the path")
        given = dict(path or {})
        for name in re.findall(r"{(\w+)}", self.path):
            if not given.get(name):
                raise ValueError(f"{self.id} needs the path parameter {name}")
        target = re.sub(r"{(\w+)}", lambda found: quote(given[found[1]], safe=""), self.path)
        return f"{target}?{urlencode(query, quote_via=quote, safe='')}" if query else target

    def serves(self, method: str, path: str) -> bool:
        """Whether this operation serves a method and a percent-encoded path below its base."""
        return method == self.method and not self._is_webhook and self._served_at.fullmatch(path) is not None

    def request_problems(
        self,
        *,
        path: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        content_type: str | None,
        body: bytes,
        value: object = UNREAD,
    ) -> list[Problem]:
        """What is wrong with the form of a request: path and query decoded, the body as received.

        `value` is the parsed body, for a caller who has it. Header parameters and authentication are not checked.
        Unknown query parameters are ignored; a known one that is not a list must occur once.
        """
        problems: list[Problem] = []
        for field in self._path_fields:
            if field.name in path:
                problems += field.problems([path[field.name]], f"/path/{field.name}")
            else:
                problems.append(Problem(f"/path/{field.name}", "is required"))
        for field in self._query_fields:
            values = [text for name, text in query if name == field.name]
            if values:
                problems += field.problems(values, f"/query/{field.name}")
            elif field.required:
                problems.append(Problem(f"/query/{field.name}", "is required"))
        if self._request is not None:
            content, required = self._request
            if body:
                problems += content.problems(content_type, body, value)
            elif required:
                problems.append(Problem("/body", "is required"))
        return problems

    @cached_property
    def example(self) -> Any:
        """The first example of the JSON that a request carries; None where it carries none."""
        media = self.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
        examples = [media.get("example"), *(each.get("value") for each in media.get("examples", {}).values())]
        return next((each for each in examples if each is not None), None)

    def response_problems(
        self, *, status: int, headers: Sequence[tuple[str, str]], body: bytes, value: object = UNREAD
    ) -> list[Problem]:
        """What is wrong with a response: its status, headers, media type, JSON and schema.

        `body` is the decoded content (no gzip, no chunks), `value` the parsed body, for a caller who has it. For bodies
        other than JSON only the media type is checked. Header names may be in any case.
        """
        if status not in self.statuses:
            documented = ", ".join(str(known) for known in sorted(self.statuses))
            return [Problem("/status", f"{status} is not documented for {self.id} (only {documented})")]
        response = self._documented(status)
        problems: list[Problem] = []
        given = {name.lower(): text for name, text in headers}
        if len(given) < len(headers):
            given = joined(headers)
        for field in response.headers:
            text = given.get(field.name)
            if text is None:
                if field.required:
                    problems.append(Problem(f"/headers/{field.name}", "is required"))
            # Most headers have the same value in every response.
            elif text not in field.right and not field.fits(text):
                problems += field.problems([text], f"/headers/{field.name}")
        if response.content.checkers:
            if body or "text/event-stream" in response.content.checkers:  # a stream may say nothing yet
                problems += response.content.problems(given.get("content-type"), body, value)
            else:
                problems.append(Problem("/body", "is required"))
        return problems

    def response_fits(self, status: int, headers: Sequence[tuple[bytes, bytes]], value: object) -> bool:
        """Whether a JSON response is right for sure: the quick form of `response_problems`, which judges all others.

        Headers as ASGI has them, names in lower case; `value` is the parsed body.
        """
        response = self._compiled.get(status)
        if response is None or value is UNREAD:
            return False
        given = dict(headers)
        if len(given) < len(headers):
            return False
        for name, field in response.raw_headers:
            text = given.get(name)
            if text is None:
                if field.required:
                    return False
            elif not field.fits_raw(text):
                return False
        checker = response.content.checkers.get("application/json")
        return (
            checker is not None
            and given.get(b"content-type", b"").startswith(b"application/json;")
            and checker.fits(value)
        )

    def body_problems(self, status: int, value: object) -> list[Problem]:
        """What is wrong with the parsed JSON of a response body, or of one message of a stream.

        Raises KeyError for a status that is not documented.
        """
        if status not in self.statuses:
            raise KeyError(f"{status} is not documented for {self.id}")
        node, pointer = self._response(status)
        for media_type, media in node.get("content", {}).items():
            at = f"{pointer}/content/{escape(media_type)}"
            if "x-stream-item" in media:
                return self._schemas.checker(f"{at}/x-stream-item").problems(value, "/body")
            if media_type == "application/json":
                return self._schemas.checker(f"{at}/schema").problems(value, "/body")
        return []

    def schema_of(self, status: int) -> str:
        """The name of the schema that the JSON of a response has; empty if it has none of its own, or the status is not
        documented."""
        node = self._response(status)[0] if status in self.statuses else {}
        schema = node.get("content", {}).get("application/json", {}).get("schema", {})
        return str(schema.get("$ref", "")).rpartition("/")[2]

    def response_example(self, status: int) -> tuple[dict[str, str], Any]:
        """The first documented example of a response: its required headers with Content-Type, and its body (parsed if
        it is JSON, None if there is none). Raises KeyError for a status that is not documented."""
        if status not in self.statuses:
            raise KeyError(f"{status} is not documented for {self.id}")
        node, _ = self._response(status)
        headers = ((name, self._schemas.follow(entry, "")[0]) for name, entry in node.get("headers", {}).items())
        found = {name: str(each["example"]) for name, each in headers if each.get("required") and "example" in each}
        for media_type, media in node.get("content", {}).items():
            examples = [media.get("example"), *(each.get("value") for each in media.get("examples", {}).values())]
            return found | {"Content-Type": media_type}, next((each for each in examples if each is not None), None)
        return found, None

    def response_parts(self, status: int) -> list[ResponsePart]:
        """The documented headers and fields of a response, or of one message of a stream. Raises KeyError for a status
        that is not documented."""
        if status not in self.statuses:
            raise KeyError(f"{status} is not documented for {self.id}")
        return list(parts_of(self._response(status)[0], self._schemas))

    def limit_in_force(self, rate_limits: Mapping[str, int]) -> int:
        """Requests a minute at a deployment with these limits by operationId; the documented ones where it names none.
        0: there is no limit."""
        documented = self.rate_limit.limit if self.rate_limit is not None else 0
        return rate_limits.get(self.id, documented)

    @cached_property
    def has_query(self) -> bool:
        """Whether it has query parameters."""
        return bool(self._query_fields)

    @cached_property
    def streams(self) -> bool:
        """Whether a success is a stream of messages (x-stream-item)."""
        return 200 in self.statuses and any(
            "x-stream-item" in media for media in self._response(200)[0].get("content", {}).values()
        )

    @cached_property
    def hands_out(self) -> tuple[HandedOut, ...]:
        """The secrets that a success hands out: properties of its JSON body and headers that bear x-secret."""
        if 200 not in self.statuses:
            return ()
        response, _ = self._response(200)
        in_body = (HandedOut(kind, "body", name) for name, kind, _ in self._secret_properties(response))
        headers = ((name, self._schemas.follow(entry, "")[0]) for name, entry in response.get("headers", {}).items())
        in_headers = (HandedOut(header["x-secret"], "header", name) for name, header in headers if "x-secret" in header)
        return (*in_body, *in_headers)

    @cached_property
    def required_secrets(self) -> frozenset[str]:
        """The kinds of secrets (x-secret) that every request holds in its query or body; credentials do not count."""
        body, _ = self._schemas.follow(self.raw.get("requestBody", {}), "")
        in_body = {kind for _, kind, required in self._secret_properties(body) if required}
        parameters = (self._schemas.follow(entry, "")[0] for entry in self.raw["parameters"])
        in_query = {
            self._secret_kind(each) or self._secret_kind(each.get("schema", {}))
            for each in parameters
            if each["in"] == "query" and each.get("required")
        }
        return frozenset((in_body | in_query) - {""})

    def _secret_properties(self, owner: Any) -> Iterator[tuple[str, str, bool]]:
        """Name, kind, and whether it is required, of each secret property of the JSON body of a request or response."""
        schema, _ = self._schemas.follow(owner.get("content", {}).get("application/json", {}).get("schema", {}), "")
        for name, node in schema.get("properties", {}).items():
            if kind := self._secret_kind(node):
                yield name, kind, name in schema.get("required", ())

    def _secret_kind(self, node: Any) -> str:
        """The x-secret of an object or of what it refers to; empty where there is none."""
        while "x-secret" not in node and "$ref" in node:
            node, _ = self._schemas.follow({"$ref": node["$ref"]}, "")
        return str(node.get("x-secret", ""))

    @cached_property
    def _path_fields(self) -> list[Field]:
        return self._fields("path")

    @cached_property
    def _query_fields(self) -> list[Field]:
        return self._fields("query")

    @cached_property
    def _request(self) -> tuple[Content, bool] | None:
        if "requestBody" not in self.raw:
            return None
        node, pointer = self._schemas.follow(self.raw["requestBody"], f"{self._pointer}/requestBody")
        return self._content(node, pointer), node.get("required", False)

    def _fields(self, where: str) -> list[Field]:
        fields = []
        for entry, at in zip(self.raw["parameters"], self._parameter_pointers, strict=True):
            node, pointer = self._schemas.follow(entry, at)
            if node["in"] == where:
                fields.append(self._field(node["name"], node, pointer))
        return fields

    def _field(self, name: str, node: Any, pointer: str) -> Field:
        is_json = "content" in node
        at = f"{pointer}/content/application~1json/schema" if is_json else f"{pointer}/schema"
        schema = node["content"]["application/json"]["schema"] if is_json else node["schema"]
        return Field(
            name=name,
            required=node.get("required", False),
            is_json=is_json,
            types=self._schemas.types(schema, at),
            checker=self._schemas.checker(at),
        )

    def _response(self, status: int) -> tuple[Any, str]:
        key = str(status)
        return self._schemas.follow(self.raw["responses"][key], f"{self._pointer}/responses/{key}")

    def _documented(self, status: int) -> DocumentedResponse:
        response = self._compiled.get(status)
        if response is None:
            node, pointer = self._response(status)
            headers = []
            for name, entry in node.get("headers", {}).items():
                header, at = self._schemas.follow(entry, pointer_to(f"{pointer}/headers", [name]))
                headers.append(self._field(name.lower(), header, at))
            response = self._compiled[status] = DocumentedResponse(
                headers, self._content(node, pointer), [(each.name.encode(), each) for each in headers]
            )
        return response

    def _content(self, node: Any, pointer: str) -> Content:
        return Content(
            {
                media_type: self._schemas.checker(f"{pointer}/content/{escape(media_type)}/schema")
                if media_type == "application/json"
                else None
                for media_type in node.get("content", {})
            }
        )
