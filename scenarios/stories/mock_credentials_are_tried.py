"""Strangers try the credentials that test doubles accept: `mock-jwt-token`, `test`, `dev` and the like."""

from collections.abc import Iterable

from contracts.hi_events_session import wire as hi_wire
from contracts.tuvens_event.wire import update_event
from scenarios.cast.cast import BROWSER, CLIENT, Cast
from scenarios.cast.updates import unknown_id
from scenarios.catalogue import story

_TOKENS = (
    "mock-jwt-token",
    "mock_token",
    "test-token",
    "test",
    "dev",
    "mock-token",
    "mock_session_token",
    "mock_" + "0" * 40,
    "test_token",
    "dev-token",
    "demo",
    "fake-token",
)
_SECRETS = ("mock-secret", "test-secret", "test", "dev-secret", "dev", "secret", "shared-secret", "changeme")


@story(operations=("generateSession",))
async def mock_credentials_are_tried_at_tuvens_api(cast: Cast) -> None:
    """Strangers use the words of test doubles at tuvens-api: as JWT, as session token, as shared secret."""
    user, event = cast.organiser, unknown_id(cast.some_event, cast.stage.random)
    for word in _without(_TOKENS, (each.jwt for each in cast.deployment.users)):
        await cast.generates_session(f"jwt/generateSession/{word}", user, jwt=word)
        # About no event: nothing changes even if the word is accepted.
        await cast.send(f"jwt/updateEvent/{word}", CLIENT, update_event(word, event, {"hasTicketing": True}), key=None)
        await cast.validates(f"session token/validateSession/{word}", word)
        await cast.lists_accounts(f"session token/listUserAccounts/{word}", word)
        await cast.asks_permission(f"session token/validatePermission/{word}", word, "manage_ticketing")
    nobodys = cast.unknown_token("of a stranger")
    for word in _without(_SECRETS, [cast.secret]):
        await cast.validates(f"secret/validateSession/{word}", nobodys, secret=word)
        await cast.lists_accounts(f"secret/listUserAccounts/{word}", nobodys, secret=word)
        await cast.asks_permission(f"secret/validatePermission/{word}", nobodys, "manage_ticketing", secret=word)


@story(operations=("validateCrossAppSession",))
async def mock_credentials_are_tried_at_hi_events(cast: Cast) -> None:
    """Strangers use the words of test doubles at hi.events: as session token of a sign-in, as bearer token."""
    limit = cast.stage.rate_limits.requests_a_minute("validateCrossAppSession")
    # A third of what the limit lets through in a minute: others sign in meanwhile.
    for word in _TOKENS[: max(1, limit // 3)] if limit else _TOKENS:
        await cast.signs_in(f"session token/{word}", word)
    for word in _TOKENS:
        calls = {
            "getCrossAppStatus": hi_wire.session_status(word),
            "listCrossAppAccounts": hi_wire.session_accounts(word),
            "validateCrossAppPermission": hi_wire.session_permission(word, "manage_ticketing"),
        }
        for name, call in calls.items():
            await cast.send(f"bearer/{name}/{word}", BROWSER, call, key=None)


def _without(words: Iterable[str], right: Iterable[str]) -> list[str]:
    """The words that are no credentials of the deployment file."""
    known = set(right)
    return [each for each in words if each not in known]
