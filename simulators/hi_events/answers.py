"""What faults do to the answers of hi.events on their way out."""

import re
import secrets
from collections.abc import Mapping

from simulators.kit.altered import Altered, answers, body, drop, media_type, put, status, without_header
from simulators.kit.exchange import Inbound, Reply
from simulators.kit.variants import shapes

_SIGN_IN, _STATUS = "validateCrossAppSession", "getCrossAppStatus"


def _masked(email: object) -> str:
    return re.sub(r"(?<=.)[^@](?=[^@]*@)", "*", str(email))


def _as_laravel(text: object) -> str:
    return str(text)[:19].replace("T", " ")


def _token_beside(inbound: Inbound, reply: Reply) -> None:
    reply.headers.append(("x-auth-token", secrets.token_urlsafe(32)))


ANSWERS: Mapping[str, Altered] = {
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
    "refusal-carries-a-token": Altered(
        _token_beside, frozenset({_SIGN_IN}), lambda inbound, reply: reply.status == 401
    ),
    **shapes("hi.events"),
}
"""By the name of a fault or a variant."""
