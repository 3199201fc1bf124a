"""The shared secret: the three back-end routes demand it, whole and exact."""

from collections.abc import Callable

from contracts.catalogue import register, page
from contracts.session_token.rules_minting import MINTS
from harness.history import History
from harness.judging import expect_status, held, statuses
from harness.report import Source
from harness.requirement import MUST, Judge, Requirement
from harness.verdict import Verdict

STORY = "back_ends_are_refused_without_the_secret"
_NAMES = {
    "validateSession": ("validate_session", "validate-session"),
    "listUserAccounts": ("user_accounts", "user-accounts"),
    "validatePermission": ("validate_permission", "validate-permission"),
}
_HEADER = page("Authentication", "Backend to backend: header `x-shared-secret`.")
_ORDER = page("Errors", "Order on every route: authentication (401), then the request's form (400)")


def _each(step: str) -> Judge:
    def judge(history: History) -> Verdict:
        return statuses(history.every(f"{STORY}/{step}"), 401)

    return judge


def _first(step: str) -> Judge:
    def judge(history: History) -> Verdict:
        return held(expect_status(history.one(f"{STORY}/{step}"), 401))

    return judge


def _declare(
    operation: str, name: str, sentence: Callable[[str], str], judge: Judge, source: Source, *claims: str
) -> None:
    prefix, route = _NAMES[operation]
    register(
        Requirement(
            id=f"shared_secret.{prefix}_{name}",
            statement=sentence(route),
            level=MUST,
            obliged="tuvens-api",
            source=source,
            judge=judge,
            settles=claims,
            stories=(STORY,),
            depends_on=(f"routes.{operation}", MINTS),
        )
    )


for _operation in _NAMES:
    _declare(
        _operation,
        "refuses_a_missing_secret",
        lambda route: f"tuvens-api answers 401 to {route} without the shared secret, and with an empty one.",
        _each(f"{_operation}/missing"),
        _HEADER,
        "C-TA-07",
    )
    _declare(
        _operation,
        "refuses_a_wrong_secret",
        lambda route: (
            f"tuvens-api answers 401 to {route} with a secret that is wrong: another, a part, longer, in other case."
        ),
        _each(f"{_operation}/wrong"),
        _HEADER,
        "C-TA-07",
    )
    _declare(
        _operation,
        "authenticates_before_it_reads",
        lambda route: f"tuvens-api answers 401, not 400, to a {route} that lacks the secret and is ill-formed.",
        _first(f"ill-formed/{_operation}"),
        _ORDER,
    )
