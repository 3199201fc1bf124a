"""Errors of tuvens-api, as its callers read them. No I/O."""

from dataclasses import dataclass

from harness.http import Answer, WireError, field_of


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of tuvens-api: what went wrong, and the word for programs (origin.code) where there is one."""

    status: int
    message: str
    code: str | None


def read_refusal(answer: Answer) -> Refusal:
    """Read an error. Raises WireError for a success, and for what has not tuvens-api's error shape."""
    if answer.status < 400:
        raise WireError(f"the answer has status {answer.status}, which is no error")
    value = answer.json()
    if field_of(value, "statusCode", int) != answer.status:
        raise WireError("field 'statusCode' is not the answer's status")
    origin = value.get("origin") if isinstance(value, dict) else None
    code = origin.get("code") if isinstance(origin, dict) else None
    message = str(field_of(value, "message", str))
    return Refusal(answer.status, message, code if isinstance(code, str) else None)
