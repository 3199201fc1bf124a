"""Settings by environment variables, checked on a second instance."""

import secrets

from contracts.configuration.rules import EXPIRY_SECONDS
from contracts.session_token import wire
from contracts.tuvens_event.wire import get_event
from harness.effects import Effect
from harness.http import Call
from harness.story import Phase, StoryStoppedError
from scenarios.cast.cast import BACKEND, BROWSER, CLIENT, Cast
from scenarios.cast.second_instance import second_instance
from scenarios.cast.sending import Reply
from scenarios.catalogue import story

DOMAIN = "tickets.settings.example"


@story(
    does={Effect.READ, Effect.MINT, Effect.FORGE},
    phase=Phase.WAITING,
    needs=("launch:tuvens-api",),
    operations=("generateSession", "validateSession"),
)
async def settings_take_effect(cast: Cast) -> None:
    """A second tuvens-api is started with another secret, another expiry and another domain of Hi.Events."""
    secret = cast.hide("other-shared-secret", secrets.token_urlsafe(36))
    settings = {
        "HI_EVENTS_SHARED_SECRET": secret,
        "CROSS_APP_SESSION_EXPIRY": str(EXPIRY_SECONDS),
        "HI_EVENTS_DOMAIN": DOMAIN,
    }
    async with second_instance(cast, "tuvens-api", settings) as description:
        try:
            base = description["targets"]["tuvens-api"]["url"]
            user = next(each for each in description["users"] if each["role"] == "organiser")
            event = description["events"]["tuvens"][0]
        except (KeyError, StopIteration, TypeError, IndexError):
            raise StoryStoppedError(
                "the second instance's description lacks its url, an organiser or an event"
            ) from None
        cast.hide("jwt", user["jwt"])
        control = description["targets"]["tuvens-api"].get("control")
        if control is not None:
            cast.hide("control-token", control["token"])

        async def send(step: str, caller: str, call: Call) -> Reply:
            return await cast.send_once(step, caller, "tuvens-api", base, call)

        minted = await send("generate session", CLIENT, wire.generate_session(user["jwt"], user["account_id"]))
        token = minted.must_have("session_token", "the second instance mints no session")
        await send("new secret", BACKEND, wire.validate_session(secret, token))
        await send("former secret", BACKEND, wire.validate_session(cast.secret, token))
        await send("new origin", BROWSER, get_event(event).with_header("Origin", f"https://{DOMAIN}"))
