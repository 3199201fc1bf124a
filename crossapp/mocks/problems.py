"""What a document forbids about a request, its credential included."""

from collections.abc import Sequence

import openapi
from openapi.recorded import request_problems as problems_of_form


def request_problems(
    operation: openapi.Operation, target: str, headers: Sequence[tuple[str, str]], body: bytes
) -> list[str]:
    """The problems as `pointer: rule`: of path, query, media type and body, and of a credential that is not sent as the
    operation demands. No text holds a secret."""
    given = {name.lower(): value for name, value in headers}
    schemes = [each for each in operation.schemes if each.place == "header"]
    problems = []
    for scheme in schemes:
        value = given.get(scheme.field.lower())
        if value is None:
            problems.append(f"/headers/{scheme.field.lower()}: is required")
        elif not value.startswith(scheme.prefix):
            problems.append(f"/headers/{scheme.field.lower()}: does not begin with {scheme.prefix!r}")
    # One scheme is enough.
    if len(problems) < len(schemes):
        problems = []
    return [*problems, *problems_of_form(operation, target, headers, body)]
