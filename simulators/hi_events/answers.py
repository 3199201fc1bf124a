"""What faults do to the answers of hi.events on their way out."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from simulators.kit.faults import Change
from simulators.kit.messages import Request, Response
from simulators.kit.response_mutations import (
    Mutation,
    body,
    drop,
    has_status,
    media_type,
    mutated,
    put,
    status,
    without_header,
)

_SIGN_IN, _STATUS = "validateCrossAppSession", "getCrossAppStatus"


def _masked(email: object) -> str:
    return re.sub(r"(?<=.)[^@](?=[^@]*@)", "*", str(email))


def _as_laravel(text: object) -> str:
    return str(text)[:19].replace("T", " ")


def _token_beside(request: Request, response: Response) -> None:
    response.headers.append((b"x-auth-token", secrets.token_urlsafe(32).encode()))


def answers(change: Mutation, *operations: str) -> Callable[[Any], Change]:
    """The change of a fault that mutates the successes of operations."""
    return lambda simulator: mutated(simulator, change, *operations)


ANSWERS: Mapping[str, Callable[[Any], Change]] = {
    "sign-in-answers-201": answers(status(201), _SIGN_IN),
    "token-type-left-out": answers(drop("token_type"), _SIGN_IN),
    "token-type-capitalised": answers(put("token_type", value="Bearer"), _SIGN_IN),
    "auth-token-header-left-out": answers(without_header("x-auth-token"), _SIGN_IN),
    "email-masked": answers(put("user", "email", value=_masked), _SIGN_IN, _STATUS),
    "last-name-left-out": answers(drop("user", "last_name"), _SIGN_IN),
    "status-without-account": answers(drop("account_id"), _STATUS),
    "status-counts-users-from-zero": answers(put("user", "id", value=lambda number: int(str(number)) - 1), _STATUS),
    "status-expiry-without-zone": answers(put("expires_at", value=_as_laravel), _STATUS),
    "accounts-numbered-as-text": answers(put("accounts", "*", "id", value=str), "listCrossAppAccounts"),
    "permission-answer-renamed": answers(
        body(lambda value: value.update(granted=value.pop("has_permission"))), "validateCrossAppPermission"
    ),
    "set-status-answers-202": answers(status(202), "setEventStatus"),
    "set-status-answers-as-text": answers(media_type("text/plain; charset=utf-8"), "setEventStatus"),
    "event-numbered-as-text": answers(put("id", value=str), "readEvent"),
    "refusal-carries-a-token": lambda simulator: mutated(simulator, _token_beside, _SIGN_IN, when=has_status(401)),
}
"""By the name of a fault or a variant."""
