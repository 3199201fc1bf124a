"""Problems of a request's form in words that people read; none quotes a value, which might be a secret."""

from collections.abc import Sequence

from openapi import Problem


def describe(problems: Sequence[Problem]) -> str:
    """The first problems in one line."""
    return "; ".join(f"{_field(problem)} {_reason(problem)}" for problem in problems[:5])


def details(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """The first 20 problems as JSON: `field` (such as payload.status) and `problem`."""
    return [{"field": _field(problem), "problem": _reason(problem)} for problem in problems[:20]]


def _field(problem: Problem) -> str:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in problem.pointer.split("/")[1:]]
    return ".".join(parts[1:]) or (parts[0] if parts else "request")


def _reason(problem: Problem) -> str:
    return problem.message.partition(", got ")[0].removeprefix("value ").replace("is required", "is missing")
