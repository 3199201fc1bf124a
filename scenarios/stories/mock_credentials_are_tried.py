"""Strangers try the credentials that test doubles accept: `mock-jwt-token`, `test`, `dev` and the like."""

from collections.abc import Iterable

from contracts.calls import call
from contracts.mock_credentials.rules import takers
from harness.effects import Effect
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


KINDS = (("tuvens-api", "jwt"), ("tuvens-api", "shared-secret"), ("hi.events", "bearer"), ("tuvens-client", "jwt"))
"""What is tried at which application."""


@story(does={Effect.READ, Effect.MALFORMED, Effect.FORGE}, operations=("generateSession",))
async def mock_credentials_are_tried_at_tuvens_api(cast: Cast) -> None:
    """Strangers use the words of test doubles at tuvens-api: as JWT, as session token, as shared secret."""
    await _try_as(cast, "tuvens-api", "jwt", CLIENT)
    for word in _TOKENS:
        await cast.validates(f"session token/validateSession/{word}", word)
        await cast.lists_accounts(f"session token/listUserAccounts/{word}", word)
        await cast.asks_permission(f"session token/validatePermission/{word}", word, "manage_ticketing")
    nobodys = cast.unknown_token("of a stranger")
    for word in _without(_SECRETS, [cast.secret]):
        await cast.validates(f"secret/validateSession/{word}", nobodys, secret=word)
        await cast.lists_accounts(f"secret/listUserAccounts/{word}", nobodys, secret=word)
        await cast.asks_permission(f"secret/validatePermission/{word}", nobodys, "manage_ticketing", secret=word)


def words_at_sign_in(limit: int) -> int:
    """How many words are tried as session token within a limit a minute: a fifth of it, since others sign in
    meanwhile."""
    return max(1, limit // 5)


@story(does={Effect.READ, Effect.MALFORMED, Effect.FORGE}, operations=("validateCrossAppSession",))
async def mock_credentials_are_tried_at_hi_events(cast: Cast) -> None:
    """Strangers use the words of test doubles at hi.events: as session token of a sign-in, as bearer token."""
    limit = cast.stage.rate_limits.requests_a_minute("validateCrossAppSession")
    for word in _TOKENS[: words_at_sign_in(limit)] if limit else _TOKENS:
        await cast.signs_in(f"session token/{word}", word, worthless=True)
    await _try_as(cast, "hi.events", "bearer", BROWSER)


@story(
    does={Effect.READ, Effect.MALFORMED, Effect.FORGE},
    needs=("target:tuvens-client",),
    operations=("wrapGenerateSession",),
)
async def mock_credentials_are_tried_at_tuvens_client(cast: Cast) -> None:
    """Strangers use the words of test doubles at tuvens-client's server, as a user's JWT."""
    for word in _without(_TOKENS, (each.jwt for each in cast.deployment.users)):
        await cast.wraps_session(f"jwt/wrapGenerateSession/{word}", cast.organiser, jwt=word)


async def _try_as(cast: Cast, app: str, kind: str, caller: str) -> None:
    """Send each word, and no credential, to every operation that takes one of a kind.

    The requests are about no event: nothing changes even if a word is accepted.
    """
    words = _without(_TOKENS, (each.jwt for each in cast.deployment.users))
    unknown = {"id": unknown_id(cast.some_event, cast.stage.random)}
    for operation in takers(app, kind):
        path = unknown if "{id}" in operation.path else None
        body = operation.example
        if isinstance(body, dict) and "account_id" in body:
            body = {**body, "account_id": cast.organiser.account_id}
        said = {} if body is None else {"json": body}
        await cast.send(f"without/{operation.id}", caller, call(operation.id, path=path, **said), key=None)
        for word in words:
            asked = call(operation.id, word, path=path, **said)
            await cast.send(f"{kind}/{operation.id}/{word}", caller, asked, key=None)


def _without(words: Iterable[str], right: Iterable[str]) -> list[str]:
    """The words that are no credentials of the deployment file."""
    known = set(right)
    return [each for each in words if each not in known]
