"""The provider states of the pacts: what a deployment needs for each, and in which story it is set up.

`scenarios/tools/pact/setups.py` sets them up, by the same names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class When(StrEnum):
    """Groups of states whose stories may run at the same time; the values are the beginnings of the stories' names."""

    CALM = "consumers_rely_on_their_pacts"
    EXPIRED = "consumers_come_with_expired_sessions"
    TROUBLE = "consumers_meet_trouble"
    LIMITED = "consumers_ask_too_often"


STORIES: Mapping[When, tuple[str, ...]] = {
    When.CALM: (When.CALM,),
    When.EXPIRED: (f"{When.EXPIRED}_by_the_clock", f"{When.EXPIRED}_after_waiting"),
    When.TROUBLE: (When.TROUBLE,),
    When.LIMITED: (When.LIMITED,),
}


@dataclass(frozen=True, slots=True)
class ProviderState:
    """`needs` are capabilities of the deployment, `premises` the requirements without which it cannot be set up."""

    needs: tuple[str, ...] = ()
    premises: tuple[str, ...] = ()
    when: When = When.CALM


_MINT = ("session_token.mints_a_session",)
_SIGN_IN = ("hi_events_session.accepts_a_live_session",)
_WEBHOOK = ("webhook.signed_update_is_accepted",)

STATES: Mapping[str, ProviderState] = {
    # sessions of Tuvens
    "the organiser belongs to the account": ProviderState(),
    "the organiser does not belong to the account": ProviderState(("role:outsider",)),
    "the organiser has a live session": ProviderState(premises=_MINT),
    "the member has a live session and may not manage ticketing": ProviderState(("role:member",), _MINT),
    "no session has this token": ProviderState(),
    "the session has expired": ProviderState(("expiry:tuvens-api",), _MINT, When.EXPIRED),
    # events of Tuvens
    "the organiser may manage ticketing of the event": ProviderState(("events",), _MINT),
    "the organiser may change the event": ProviderState(("events",)),
    "the member may not manage ticketing of the event": ProviderState(("role:member", "events")),
    "the event belongs to another account": ProviderState(("foreign-event",), _MINT),
    "the event exists": ProviderState(("events",)),
    "no event has the id": ProviderState(),
    "the event's ticketing is active": ProviderState(("events",), _WEBHOOK),
    "the event's ticketing is setup": ProviderState(("events",), _WEBHOOK),
    "the event's ticketing is inactive": ProviderState(("events",), _WEBHOOK),
    "a page listens for updates of the event": ProviderState(("events",), _WEBHOOK),
    # sessions of Hi.Events
    "the organiser is signed in": ProviderState(premises=_SIGN_IN),
    "no session has this bearer token": ProviderState(),
    "the signed-in organiser may manage ticketing of the event": ProviderState(("events",), _SIGN_IN),
    "the organiser is signed in and the event belongs to another account": ProviderState(("foreign-event",), _SIGN_IN),
    "the signed-in organiser may set the event live": ProviderState(("linked-event",), _SIGN_IN),
    "the signed-in organiser has an event": ProviderState(("linked-event",), _SIGN_IN),
    "no session has this token and a return URL is known": ProviderState(("return-origin",)),
    # trouble and limits
    "tuvens-api is failing": ProviderState(("control:tuvens-api",), _MINT, When.TROUBLE),
    "the organiser's rate limit for new sessions is exhausted": ProviderState(("exhaust",), _MINT, When.LIMITED),
    "the secret's rate limit for validations is exhausted": ProviderState(("exhaust",), _MINT, When.LIMITED),
    "the session's rate limit for account lists is exhausted": ProviderState(("exhaust",), _MINT, When.LIMITED),
    "the session's rate limit for permission checks is exhausted": ProviderState(("exhaust",), _MINT, When.LIMITED),
    "the instance's rate limit for webhooks is exhausted": ProviderState(("exhaust", "events"), (), When.LIMITED),
    "the address's rate limit for sign-ins is exhausted": ProviderState(("exhaust",), (), When.LIMITED),
}
