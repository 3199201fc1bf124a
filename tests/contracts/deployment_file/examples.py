"""Example histories of the premises about the deployment file."""

from collections.abc import Sequence
from typing import Any

from contracts.deployment_file.premises import STORY
from harness.history import Entry
from harness.history import History as Seen
from tests.contracts.examples import Examples, holds, lacks, leaves_open
from tests.contracts.histories import NOW, answer, history, instead, observed

ORGANISER = {"role": "organiser", "user_id": "1", "email": "organiser@example.com", "name": "Zoë", "account_id": 123}
JWT = {"subject": "1", "expires_at": NOW + 3_600, "signed": None}
MINTED = {"session_token": "…", "expires_at": "2025-07-25T14:45:00.000Z"}  # 900 s after NOW
WHOSE = {"user_id": "1", "email": "organiser@example.com", "name": "Zoë", "account_id": 123}


def say(step: str, status: int, body: object = None) -> Entry:
    return answer(f"{STORY}/{step}", status, body)


def jwt_says(**changed: object) -> Entry:
    return observed(f"{STORY}/file", jwts={"organiser": {**JWT, **changed}})


def linked(said: str | None) -> Entry:
    return observed(f"{STORY}/linked", file={"2": "11"}, tuvens_event_ids={"2": said})


def seen(*others: Entry, more: Sequence[Entry] = (), kind: str = "staging", without: str = "", **settings: Any) -> Seen:
    """The deployment is as the file says, some of it otherwise, with `more` entries."""
    found = [
        jwt_says(),
        say("secret/validateSession", 404),
        say("secret/listUserAccounts", 404),
        say("mint/organiser", 200, MINTED),
        say("whose/organiser", 200, WHOSE),
        say("mint/member", 200, MINTED),
        say("permission/member", 200, {"has_permission": False}),
        say("mint/outsider", 200, MINTED),
        say("accounts/outsider", 200, {"accounts": [{"id": 200}]}),
        say("event/11", 200, {"id": "11", "account_id": 123}),
        say("foreign event", 200, {"id": "61", "account_id": 200}),
        linked("11"),
    ]
    targets = {app: {"url": "https://a", "api_url": "https://a", "kind": kind} for app in ("tuvens-api", "hi.events")}
    entries = [each for each in instead(found, *others) if each.step != f"{STORY}/{without}"]
    return history(*entries, *more, targets=targets, settings={"users": [ORGANISER], **settings})


_SIMULATED = lacks("the simulators describe themselves", seen(say("mint/organiser", 401), kind="simulated"))
_RIGHT = holds("the deployment is as the file says", seen())

EXAMPLES: Examples = {
    "organiser_is_admitted": (
        _RIGHT,
        leaves_open("the file's key signed it", seen(jwt_says(signed=True), say("mint/organiser", 401))),
        leaves_open("minting goes wrong, which is another rule's matter", seen(say("mint/organiser", 500))),
        leaves_open("the JWT has expired", seen(jwt_says(expires_at=NOW - 5), say("mint/organiser", 401))),
        leaves_open("the JWT is another user's", seen(jwt_says(subject="2"), say("mint/organiser", 401))),
        leaves_open("the JWT is signed otherwise", seen(jwt_says(signed=False), say("mint/organiser", 401))),
        leaves_open("an opaque JWT is refused", seen(jwt_says(subject=None), say("mint/organiser", 401))),
        leaves_open("the account is refused", seen(say("mint/organiser", 403))),
        leaves_open("the question is rate limited", seen(say("mint/organiser", 429))),
        _SIMULATED,
    ),
    "shared_secret_is_accepted": (
        _RIGHT,
        holds("one route alone refuses it, which is that route's fault", seen(say("secret/validateSession", 401))),
        leaves_open(
            "no answer shows it", seen(say("secret/validateSession", 500), say("secret/listUserAccounts", 405))
        ),
        leaves_open("all refuse it", seen(say("secret/validateSession", 401), say("secret/listUserAccounts", 401))),
    ),
    "organiser_is_described": (
        _RIGHT,
        holds("the JWT names the file's user", seen(say("whose/organiser", 200, {**WHOSE, "user_id": "2"}))),
        leaves_open("a wrong form is another rule's matter", seen(say("whose/organiser", 200, {}))),
        leaves_open("the question goes wrong", seen(say("whose/organiser", 500))),
        leaves_open("the email is another one", seen(say("whose/organiser", 200, {**WHOSE, "email": "b@example.com"}))),
        leaves_open(
            "an opaque JWT is of another user",
            seen(jwt_says(subject=None), say("whose/organiser", 200, {**WHOSE, "user_id": "2"})),
        ),
    ),
    "outsider_is_in_another_account": (
        _RIGHT,
        leaves_open("the question goes wrong", seen(say("accounts/outsider", 500))),
        leaves_open("no list comes", seen(say("accounts/outsider", 200, {}))),
        leaves_open("the account is the organiser's", seen(say("accounts/outsider", 200, {"accounts": [{"id": 123}]}))),
        holds(
            "tuvens-api lists the account, and refuses a session in it",
            seen(
                say("accounts/outsider", 200, {"accounts": [{"id": 123}]}),
                more=[say("mint in the organiser's account/outsider", 403)],
            ),
        ),
        leaves_open(
            "the outsider gets a session in the account",
            seen(
                say("accounts/outsider", 200, {"accounts": [{"id": 123}]}),
                more=[say("mint in the organiser's account/outsider", 200)],
            ),
        ),
        leaves_open("the outsider's account is not theirs", seen(say("mint/outsider", 403))),
        leaves_open("the outsider's JWT is refused", seen(say("mint/outsider", 401))),
    ),
    "member_lacks_manage_ticketing": (
        _RIGHT,
        leaves_open("the question goes wrong", seen(say("permission/member", 500))),
        leaves_open("the member holds it", seen(say("permission/member", 200, {"has_permission": True}))),
        leaves_open("the member's JWT is refused", seen(say("mint/member", 401))),
    ),
    "events_are_the_organisers": (
        _RIGHT,
        leaves_open("the event names no account", seen(say("event/11", 200, {"id": "11"}))),
        leaves_open("the event cannot be read", seen(say("event/11", 500))),
        lacks("the file names no event", seen(without="event/11")),
        leaves_open("the event does not exist", seen(say("event/11", 404))),
        leaves_open("the event is another account's", seen(say("event/11", 200, {"account_id": 200}))),
    ),
    "foreign_event_is_foreign": (
        _RIGHT,
        leaves_open("the event cannot be read", seen(say("foreign event", 500))),
        leaves_open("the event does not exist", seen(say("foreign event", 404))),
        leaves_open("the event is the organiser's", seen(say("foreign event", 200, {"account_id": 123}))),
    ),
    "linked_events_agree": (
        _RIGHT,
        leaves_open("hi.events has no route to read it", seen(linked(None))),
        leaves_open("hi.events links it to another one", seen(linked("12"))),
    ),
    "session_expiry_is_announced": (
        lacks("the file does not say it", seen()),
        leaves_open("nothing is announced", seen(say("mint/organiser", 200, {}), session_expiry_stated=5)),
        holds("it is as the file says", seen(session_expiry_stated=900)),
        leaves_open("the file says 5 s, and 900 s are announced", seen(session_expiry_stated=5)),
        leaves_open("the file says 1,800 s, and 900 s are announced", seen(session_expiry_stated=1_800)),
    ),
}
