"""`python -m openapi` finds what is wrong with a document, and says where."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import openapi
from openapi.__main__ import main
from openapi.bundle import Bundle
from openapi.documents import FILES
from openapi.extensions import EXTENSIONS
from openapi.lint import check
from tests.openapi import minimal

PUT = "/paths/~1loaves~1{id}/put"

Spoil = Callable[[dict[str, Any]], object]


def _put(document: dict[str, Any]) -> Any:
    return document["paths"]["/loaves/{id}"]["put"]


def _dough(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["Dough"]


def _set(owner: dict[str, Any], key: str, value: object) -> None:
    owner[key] = value


def _link(document: dict[str, Any], **changed: Any) -> None:
    link = {"operationId": "bakeLoaf", "parameters": {"id": "$response.body#/id"}, "description": "Again.", **changed}
    _put(document)["responses"]["200"]["links"] = {"next": link}


def _announce_limit_on_success_only(document: dict[str, Any]) -> None:
    header = {"required": True, "description": "So many.", "schema": {"type": "integer"}, "example": 1}
    _put(document)["responses"]["200"]["headers"] |= {
        f"X-RateLimit-{name}": header for name in ("Limit", "Remaining", "Reset")
    }


def _twin(document: dict[str, Any]) -> None:
    document["paths"]["/cakes/{id}"] = document["paths"]["/loaves/{id}"]


def _audit_another(document: dict[str, Any]) -> None:
    other = copy.deepcopy(_put(document)) | {"operationId": "slice", "x-audited": True}
    document["paths"]["/loaves/{id}"]["post"] = other


def _stream(document: dict[str, Any], text: str) -> None:
    _put(document)["responses"]["200"]["content"] = {
        "text/event-stream": {
            "schema": {"type": "string"},
            "x-stream-item": {"$ref": "#/components/schemas/Dough"},
            "example": text,
        }
    }


FAULTS: dict[str, tuple[Spoil, str, str]] = {
    # structure
    "a document of another OpenAPI version": (lambda d: _set(d, "openapi", "3.0.3"), "/openapi", "3.1"),
    "a document without info": (lambda d: d.pop("info"), "", '"info" is a required property'),
    "an answer without description": (
        lambda d: d["components"]["responses"]["No"].pop("description"),
        "/components/responses/No",
        "required",
    ),
    "a misspelt keyword": (lambda d: _set(_put(d), "resposes", {}), PUT, "resposes"),
    "a path parameter that is nowhere declared": (
        lambda d: d["paths"]["/loaves/{id}"].pop("parameters"),
        "/paths",
        "Path parameter 'id'",
    ),
    # references
    "a reference that leads nowhere": (
        lambda d: _set(_put(d)["responses"], "400", {"$ref": "#/components/responses/Yes"}),
        f"{PUT}/responses/400",
        "#/components/responses/Yes leads nowhere",
    ),
    "a reference to a file that is not there": (
        lambda d: _set(d["components"]["schemas"], "Salt", {"$ref": "salt.yaml"}),
        "/components/schemas/Salt",
        "salt.yaml cannot be read",
    ),
    "a reference that is an anchor": (
        lambda d: _set(_put(d)["responses"], "400", {"$ref": "#No"}),
        f"{PUT}/responses/400",
        "is no JSON pointer",
    ),
    "a reference to another kind of thing": (
        lambda d: _set(_put(d)["responses"], "400", {"$ref": "#/components/schemas/Error"}),
        f"{PUT}/responses/400/$ref",
        "does not lie in components/responses",
    ),
    "a schema that refers to an answer": (
        lambda d: _set(_dough(d)["properties"], "flour", {"$ref": "#/components/responses/No"}),
        "/components/schemas/Dough/properties/flour/$ref",
        "does not lie in components/schemas",
    ),
    # schemas
    "a type that JSON Schema does not know": (
        lambda d: _set(_dough(d), "type", "objekt"),
        "/components/schemas/Dough/type",
        "objekt",
    ),
    "a pattern that is no regular expression": (
        lambda d: _set(_dough(d)["properties"]["flour"], "pattern", "("),
        "/components/schemas/Dough/properties/flour/pattern",
        "regex",
    ),
    "a closed schema": (
        lambda d: _set(_dough(d), "additionalProperties", False),
        "/components/schemas/Dough/additionalProperties",
        "extra fields are allowed",
    ),
    "a required property that is not described": (
        lambda d: _dough(d)["required"].append("salt"),
        "/components/schemas/Dough/required/1",
        "'salt' is not among the properties",
    ),
    # examples
    "a request without example": (
        lambda d: _put(d)["requestBody"]["content"]["application/json"].pop("example"),
        f"{PUT}/requestBody/content/application~1json",
        "has no example",
    ),
    "an answer without example": (
        lambda d: d["components"]["responses"]["No"]["content"]["application/json"].pop("example"),
        "/components/responses/No/content/application~1json",
        "has no example",
    ),
    "a parameter without example": (
        lambda d: _put(d)["parameters"][0].pop("example"),
        f"{PUT}/parameters/0",
        "has no example",
    ),
    "a header without example": (
        lambda d: d["components"]["headers"]["X-Oven"].pop("example"),
        "/components/headers/X-Oven",
        "has no example",
    ),
    "an example of a request that does not fit": (
        lambda d: _set(_put(d)["requestBody"]["content"]["application/json"], "example", {"flour": 1}),
        f"{PUT}/requestBody/content/application~1json/example",
        "/flour",
    ),
    "a named example of an answer that does not fit": (
        lambda d: _set(_put(d)["responses"]["200"]["content"]["application/json"], "examples", {"x": {"value": {}}}),
        f"{PUT}/responses/200/content/application~1json/examples/x/value",
        "/flour is required",
    ),
    "an example of a parameter that does not fit": (
        lambda d: _set(_put(d)["parameters"][0], "example", "eight"),
        f"{PUT}/parameters/0/example",
        "integer",
    ),
    "an example within a schema that does not fit": (
        lambda d: _set(_dough(d), "examples", [{"flour": "rye"}, 3]),
        "/components/schemas/Dough/examples/1",
        "object",
    ),
    "a stream whose example holds no message": (
        lambda d: _stream(d, ": hello\n\n"),
        f"{PUT}/responses/200/content/text~1event-stream/example",
        "holds no data line",
    ),
    "a stream whose example holds a message that does not fit": (
        lambda d: _stream(d, 'data: {"flour": 1}\n\n'),
        f"{PUT}/responses/200/content/text~1event-stream/example",
        "/flour",
    ),
    "a stream whose example is not JSON": (
        lambda d: _stream(d, "data: rye\n\n"),
        f"{PUT}/responses/200/content/text~1event-stream/example",
        "is not JSON",
    ),
    # extensions
    "an unknown extension": (lambda d: _set(_put(d), "x-rate-limits", {}), f"{PUT}/x-rate-limits", "unknown"),
    "an extension in the wrong place": (
        lambda d: _set(_dough(d), "x-retry-safe", True),
        "/components/schemas/Dough/x-retry-safe",
        "its place is: operation",
    ),
    "an ill-formed extension": (
        lambda d: _set(_put(d), "x-rate-limit", {"limit": 0, "window": 60, "key": "user", "name": None}),
        f"{PUT}/x-rate-limit",
        "minimum",
    ),
    "an operation without its places in the contract": (lambda d: _put(d).pop("x-contract"), PUT, "write x-contract"),
    "a place that is neither named nor said to be missing": (
        lambda d: _put(d)["x-contract"].pop("refusals"),
        f"{PUT}/x-contract",
        '"refusals" is a required property',
    ),
    "a quote without its section": (
        lambda d: _set(_put(d)["x-contract"], "served", {"quote": "Bread is baked"}),
        f"{PUT}/x-contract",
        '"section" is a required property',
    ),
    "an operation that may change an event and does not say so": (
        lambda d: _put(d).pop("x-changes"),
        PUT,
        "write x-changes",
    ),
    "choices that are no lists": (
        lambda d: _set(_put(d), "x-status-choices", [400, 413]),
        f"{PUT}/x-status-choices",
        'is not of type "array"',
    ),
    "a choice of a status that is not documented": (
        lambda d: _set(_put(d), "x-status-choices", [[400, 422]]),
        f"{PUT}/x-status-choices/0",
        "422 is not documented",
    ),
    "a document that says of some operations only whether they are audited": (
        _audit_another,
        PUT,
        "write x-audited",
    ),
    # style
    "a version that is no edition": (
        lambda d: _set(d["info"], "version", "1.0.0"),
        "/info/version",
        "not an edition",
    ),
    "an operation without operationId": (lambda d: _put(d).pop("operationId"), PUT, "has no operationId"),
    "an operationId in another case": (
        lambda d: _set(_put(d), "operationId", "bake_loaf"),
        f"{PUT}/operationId",
        "lowerCamelCase",
    ),
    "an operationId that another operation has": (
        _twin,
        "/paths/~1cakes~1{id}/put/operationId",
        "'bakeLoaf' is already an operation",
    ),
    "an operation without summary": (lambda d: _put(d).pop("summary"), PUT, "has no summary"),
    "a long summary": (lambda d: _set(_put(d), "summary", "bake " * 20), f"{PUT}/summary", "80 characters"),
    "an operation without description": (lambda d: _put(d).pop("description"), PUT, "has no description"),
    "an operation without tag": (lambda d: _put(d).pop("tags"), PUT, "has no tag"),
    "a tag that is not declared": (
        lambda d: _set(_put(d), "tags", ["Bread", "Cake"]),
        f"{PUT}/tags/1",
        "'Cake' is not declared",
    ),
    "a tag that is not used": (
        lambda d: d["tags"].append({"name": "Cake", "description": "Cake."}),
        "/tags/1",
        "no operation has the tag 'Cake'",
    ),
    "a tag without description": (lambda d: d["tags"][0].pop("description"), "/tags/0", "no description"),
    "an operation that does not say who may call it": (
        lambda d: _put(d).pop("security"),
        PUT,
        "who may call it",
    ),
    "a requirement of two schemes at once": (
        lambda d: _set(_put(d), "security", [{"apron": [], "cap": []}]),
        f"{PUT}/security/0",
        "exactly one scheme",
    ),
    "a security scheme that is not there": (
        lambda d: _set(_put(d), "security", [{"apron": []}, {"cap": []}]),
        f"{PUT}/security/1",
        "no security scheme 'cap'",
    ),
    "credentials without 401": (
        lambda d: _put(d)["responses"].pop("401"),
        f"{PUT}/responses",
        "no 401",
    ),
    "a body without 413": (lambda d: _put(d)["responses"].pop("413"), f"{PUT}/responses", "no 413"),
    "a body without 400 or 422": (
        lambda d: _put(d)["responses"].pop("400"),
        f"{PUT}/responses",
        "neither 400 nor 422",
    ),
    "a limit without 429": (lambda d: _put(d)["responses"].pop("429"), f"{PUT}/responses", "no 429"),
    "success that is 201": (
        lambda d: _set(_put(d)["responses"], "201", {"description": "Baked."}),
        f"{PUT}/responses/201",
        "success is 200",
    ),
    "a default answer": (
        lambda d: _set(_put(d)["responses"], "default", {"description": "Whatever."}),
        f"{PUT}/responses/default",
        "write each one out",
    ),
    "a range of statuses": (
        lambda d: _set(_put(d)["responses"], "5XX", {"description": "Whatever."}),
        f"{PUT}/responses/5XX",
        "write each one out",
    ),
    "a limit that only some answers announce": (
        _announce_limit_on_success_only,
        f"{PUT}/responses/429",
        "X-RateLimit-Reset",
    ),
    "an error with a shape of its own": (
        lambda d: _set(d["components"]["responses"]["No"]["content"]["application/json"], "schema", {"type": "object"}),
        f"{PUT}/responses/400",
        "whose name ends in Error",
    ),
    "a redirect that leads nowhere": (
        lambda d: _set(_put(d)["responses"], "302", {"description": "Elsewhere."}),
        f"{PUT}/responses/302",
        "Location",
    ),
    "a link to no operation": (
        lambda d: _link(d, operationId="eatLoaf"),
        f"{PUT}/responses/200/links/next",
        "there is no operation 'eatLoaf' in this document",
    ),
    "a link with a parameter that is not there": (
        lambda d: _link(d, parameters={"number": "$response.body#/id"}),
        f"{PUT}/responses/200/links/next/parameters/number",
        "no such parameter",
    ),
    "a link without description": (
        lambda d: _link(d, description=""),
        f"{PUT}/responses/200/links/next",
        "no description",
    ),
    "a property without description": (
        lambda d: _dough(d)["properties"]["flour"].pop("description"),
        "/components/schemas/Dough/properties/flour",
        "no description",
    ),
    "a shared schema without description": (
        lambda d: _dough(d).pop("description"),
        "/components/schemas/Dough",
        "no description",
    ),
    "a parameter without description": (
        lambda d: _put(d)["parameters"][0].pop("description"),
        f"{PUT}/parameters/0",
        "no description",
    ),
    "a component that nothing uses": (
        lambda d: _set(
            d["components"]["schemas"],
            "Salt",
            {"type": "object", "description": "Salt."},
        ),
        "/components/schemas/Salt",
        "is not used",
    ),
}


def test_a_document_without_fault_passes(tmp_path: Path) -> None:
    checked = check([minimal.write(tmp_path, minimal.document())])
    assert checked.problems == ()
    assert str(checked) == "1 document, 1 operation, 6 examples: no problems"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_lint_finds_and_places(fault: str, tmp_path: Path) -> None:
    spoil, pointer, message = FAULTS[fault]
    document = minimal.document()
    spoil(document)
    path = minimal.write(tmp_path, document)
    found = check([path]).problems
    assert [one for one in found if one.pointer == pointer and message in one.message], found
    assert all(one.file == path for one in found)


def test_the_projects_own_documents_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert re.fullmatch(r"3 documents, \d+ operations, \d+ examples: no problems\n", capsys.readouterr().out)


def test_a_problem_is_printed_with_file_and_pointer_and_the_exit_code_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = minimal.document()
    del _put(document)["summary"]
    path = minimal.write(tmp_path, document)
    assert main([str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{path}#{PUT}: has no summary", "1 document, 1 operation, 6 examples: 1 problem"]


def test_a_file_below_the_working_directory_is_named_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bakery.yaml"]) == 1
    assert capsys.readouterr().out.startswith("bakery.yaml#: cannot be read: No such file or directory\n")


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bakery.yaml"
    path.write_text("openapi: 3.1.0\ninfo: {title: bakery\npaths: [\n")
    [finding] = check([path]).problems
    assert finding.message.startswith("is not YAML: ")
    assert finding.message.endswith("at line 3, column 6")


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"openapi", b"\xff\xfe\x00", b"a: \x00", b"a: &x [*y]"])
def test_a_file_that_is_no_document_is_told_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bakery.yaml"
    path.write_bytes(content)
    [finding] = check([path]).problems
    assert "\n" not in str(finding)
    assert finding.file == path


def test_a_key_that_stands_twice_is_told_with_its_line(tmp_path: Path) -> None:
    path = minimal.write(tmp_path, minimal.document())
    path.write_text(path.read_text() + "info: {title: bakery, version: 2025-07}\n")
    [finding] = check([path]).problems
    last = len(path.read_text().splitlines())
    assert finding.message == f"is not YAML: the key 'info' twice at line {last}, column 1"


def test_a_fault_in_a_shared_file_is_told_once_and_where_it_stands(tmp_path: Path) -> None:
    first, second = minimal.document(), minimal.document()
    for document in (first, second):
        document["components"]["schemas"]["Dough"] = {"$ref": "parts/dough.yaml"}
    _put(second)["operationId"] = "bakeAnotherLoaf"
    (tmp_path / "parts").mkdir()
    dough = minimal.document()["components"]["schemas"]["Dough"]
    del dough["properties"]["flour"]["description"]
    part = minimal.write(tmp_path / "parts", dough, "dough.yaml")
    paths = [minimal.write(tmp_path, first, "a.yaml"), minimal.write(tmp_path, second, "b.yaml")]
    [finding] = check(paths).problems
    assert (finding.file, finding.pointer) == (part, "/properties/flour")


def test_two_documents_may_not_share_an_operation_id(tmp_path: Path) -> None:
    paths = [minimal.write(tmp_path, minimal.document(), name) for name in ("a.yaml", "b.yaml")]
    [finding] = check(paths).problems
    assert (finding.file, finding.pointer) == (paths[1], f"{PUT}/operationId")
    assert finding.message == "'bakeLoaf' is already an operation of a.yaml"


def test_a_call_of_an_operation_that_no_other_document_has_is_found(tmp_path: Path) -> None:
    client, server = minimal.document(), minimal.document()
    _put(client).update({"operationId": "orderLoaf", "x-calls": ["bakeLoaf", "orderLoaf", "bakeCake"]})
    checked = check([minimal.write(tmp_path, client, "client.yaml"), minimal.write(tmp_path, server)])
    assert [(each.file.name, each.pointer, each.message) for each in checked.problems] == [
        ("client.yaml", f"{PUT}/x-calls/1", "no other document has 'orderLoaf'"),
        ("client.yaml", f"{PUT}/x-calls/2", "no other document has 'bakeCake'"),
    ]


def test_calls_that_are_no_list_are_told_once(tmp_path: Path) -> None:
    client, server = minimal.document(), minimal.document()
    _put(client).update({"operationId": "orderLoaf", "x-calls": 5})
    [found] = check([minimal.write(tmp_path, client, "client.yaml"), minimal.write(tmp_path, server)]).problems
    assert (found.pointer, found.message) == (f"{PUT}/x-calls", '5 is not of type "array"')


def test_a_link_to_an_operation_and_its_parameters_is_right(tmp_path: Path) -> None:
    document = minimal.document()
    _link(document, parameters={"id": "$response.body#/id", "slices": "$request.query.slices"})
    assert not check([minimal.write(tmp_path, document)]).problems


def test_an_unknown_option_ends_with_64_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--fix"])
    assert stop.value.code == 64
    assert capsys.readouterr().err.count("\n") == 1


def test_the_readme_explains_every_extension_and_no_other() -> None:
    readme = Path(openapi.__file__).with_name("README.md").read_text(encoding="utf-8")
    table = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `x-")}
    assert table == EXTENSIONS.keys()


def test_every_shared_schema_file_is_used_by_a_document() -> None:
    files: dict[Path, Any] = {}
    for path in FILES.values():
        Bundle(path, files)
    folder = next(iter(FILES.values())).parent
    assert set((folder / "schemas").rglob("*.yaml")) <= files.keys()
