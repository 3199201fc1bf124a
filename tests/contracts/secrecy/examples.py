"""Example histories of the rules about secrecy."""

from dataclasses import replace
from typing import Any

from harness.history import Exchange
from harness.history import History as Seen
from tests.contracts.documented import documented, error
from tests.contracts.examples import Examples, breaks, holds, leaves_open
from tests.contracts.histories import answer, history, no_answer, observed

PAGES = "client_pages_are_read"
ORGANISER, OUTSIDER = "zoe@example.com", "olga@example.com"
USERS = [{"role": "organiser", "email": ORGANISER}, {"role": "outsider", "email": OUTSIDER}]
TOKEN = ["session-token", "0a1b2c3d", "body"]
NODE = "Error: no\n    at SessionService.find (/app/dist/session.service.js:41:17)\n    at async run (/app/x.js:1:2)"
PHP = "#0 /var/www/html/app/Http/Kernel.php(141): Illuminate\\Pipeline\\Pipeline->handle()"
PYTHON = 'Traceback (most recent call last):\n  File "/app/main.py", line 3, in <module>'


def leaked(operation: str, status: int, *secrets: list[str]) -> Seen:
    """An answer in which the recorder found these secrets (kind, fingerprint, place)."""
    return history(documented(operation, status, "a_story/step", {}, facts={"secrets": [*secrets]}))


def said(text: str, status: int = 500) -> Seen:
    """An error that tells this."""
    return history(error("validateSession", status, "a_story/step", changed={"message": text}))


def signed_in(attributes: str) -> Seen:
    """A sign-in that hands its bearer token out as a cookie, too."""
    secrets = [["bearer", "1", "body"], ["bearer", "1", "header set-cookie"]]
    cookie = {"Set-Cookie": f"token=<bearer:11111111>; {attributes}"}
    return history(
        documented("validateCrossAppSession", 200, "a_story/step", headers=cookie, facts={"secrets": secrets})
    )


def said_by_hi_events(value: object) -> Seen:
    """A failure of hi.events that tells this."""
    return history(documented("setEventStatus", 500, "a_story/step", value))


def refused(*secrets: list[str], status: int = 404) -> Exchange:
    """user-accounts refuses a session token."""
    return documented("listUserAccounts", status, "a_story/accounts", {}, facts={"secrets": [*secrets]})


def about(email: str | None, operation: str = "validateSession", body: object = None, **said: Any) -> Seen:
    """An answer about the session of the user with that email (None: whose is not known)."""
    told = {"user_id": "1", "email": email, "name": "Zoë", "account_id": 123} if body is None else body
    facts = {} if email is None else {"subject": email}
    users = said.pop("users", USERS)
    return history(documented(operation, 200, "a_story/step", told, facts=facts, **said), settings={"users": users})


def _raw(body: bytes) -> Seen:
    return history(replace(answer("a_story/step", 500, None), response_body=body))


def pages(
    *, page: list[list[str]] | None = None, script: list[list[str]] | None = None, status: int = 200, left_out: int = 0
) -> Seen:
    """A page of tuvens-client and its one script, with the secrets that the recorder found in either."""
    told: dict[str, Any] = {"callee": "tuvens-client"}
    return history(
        answer(f"{PAGES}/page/event", 200, b"<title>", facts={"secrets": page or []}, **told),
        answer(f"{PAGES}/file/1", status, b"", facts={"secrets": script or []}, **told),
        observed(f"{PAGES}/files", loaded=1, **{"left out": left_out}),
    )


EXAMPLES: Examples = {
    "no_answer_holds_a_secret": (
        holds("none was found", leaked("validateSession", 200)),
        holds("a new token in the answer that hands it out", leaked("generateSession", 200, TOKEN)),
        holds(
            "a wrong secret of ours comes back", leaked("validateSession", 401, ["shared-secret-other", "1", "body"])
        ),
        breaks("the shared secret", leaked("validateSession", 500, ["shared-secret", "1", "body"])),
        breaks("the database's password", leaked("getEvent", 500, ["database-password", "1", "body"])),
        breaks("a user's JWT in a header", leaked("getEvent", 200, ["jwt", "1", "header x-debug"])),
        breaks("a session token in an error", leaked("validateSession", 404, TOKEN)),
        breaks("a session token that generate-session refuses to mint", leaked("generateSession", 403, TOKEN)),
        breaks(
            "a new token in a header, too", leaked("generateSession", 200, ["session-token", "1", "header set-cookie"])
        ),
        leaves_open("no answer came", history(no_answer("a_story/step"))),
    ),
    "no_answer_of_hi_events_holds_a_secret": (
        holds("none was found", leaked("validateCrossAppSession", 200)),
        holds(
            "a new bearer token in body and header",
            leaked("validateCrossAppSession", 200, ["bearer", "1", "body"], ["bearer", "1", "header x-auth-token"]),
        ),
        holds("a new bearer token in an HttpOnly cookie, too", signed_in("Path=/; secure; httponly")),
        holds(
            "the page leads to its login with the token",
            leaked("openCrossAppPage", 302, ["session-token", "1", "header location"]),
        ),
        breaks("a new bearer token in a cookie for scripts", signed_in("Path=/; Secure")),
        breaks("a session token in an error", leaked("validateCrossAppSession", 401, TOKEN)),
        breaks("the shared secret", leaked("setEventStatus", 500, ["shared-secret", "1", "body"])),
        leaves_open("only tuvens-api answered", leaked("validateSession", 200)),
    ),
    "no_answer_of_hi_events_holds_a_stack_trace": (
        holds("an error in a sentence", said_by_hi_events({"message": "Server Error"})),
        breaks(
            "Laravel in debug mode",
            said_by_hi_events({"message": "…", "trace": [{"file": "/var/www/html/app/Kernel.php", "line": 141}]}),
        ),
        leaves_open("only tuvens-api answered", said("No.")),
    ),
    "no_answer_holds_a_stack_trace": (
        holds("an error in a sentence", said("The session could not be read.")),
        holds("words that only look alike", said("Meet me at (the bar) at 20:30:00, at home (2nd floor):1")),
        breaks("of Node, escaped in JSON", said(NODE)),
        breaks("of PHP", said(PHP)),
        breaks("of Python", said(PYTHON)),
        breaks("of Node, as it is", _raw(NODE.encode())),
        breaks(
            "an error of the database", said('SQLSTATE[42P01]: Undefined table: relation "sessions" does not exist')
        ),
        breaks("an error of TypeORM", said("QueryFailedError: invalid input syntax for type integer")),
        leaves_open("no answer came", history(no_answer("a_story/step"))),
    ),
    "error_path_hides_the_session_token": (
        holds("the path alone", history(refused())),
        holds("the shared secret is another rule's matter", history(refused(["shared-secret", "1", "body"]))),
        breaks("the whole query", history(refused(), refused(TOKEN))),
        breaks("an unknown token is repeated", history(refused(["unknown-token-cut", "1", "body"]))),
        leaves_open("user-accounts refused nobody", history(refused(status=200))),
        leaves_open("no answer came", history(no_answer("a_story/accounts", operation="listUserAccounts"))),
    ),
    "no_answer_holds_foreign_data": (
        holds("the session's user", about(ORGANISER)),
        holds(
            "an email that is a part of the user's own",
            about("chloe.zoe@example.com", users=[*USERS, {"role": "member", "email": "chloe.zoe@example.com"}]),
        ),
        holds(
            "an account has the email of another member",
            about(
                ORGANISER, "listUserAccounts", {"accounts": [{"id": 123, "name": "A", "slug": "a", "email": OUTSIDER}]}
            ),
        ),
        breaks("somebody else's email", about(ORGANISER, body={"user_id": "3", "email": OUTSIDER})),
        breaks(
            "somebody else's email in other case", about(ORGANISER, body={"user_id": "3", "email": "Olga@Example.com"})
        ),
        breaks("somebody else's email among others", about(ORGANISER, body={"members": [ORGANISER, OUTSIDER]})),
        breaks(
            "a list of all members beside the accounts",
            about(ORGANISER, "listUserAccounts", {"accounts": [], "members": [OUTSIDER]}),
        ),
        leaves_open("whose session it is, is not known", about(None, body={"email": OUTSIDER})),
        leaves_open("no answer came", history(no_answer("a_story/step", facts={"subject": ORGANISER}))),
    ),
    "client_pages_hold_no_secret": (
        holds("neither page nor script has one", pages()),
        holds("the page has the user's own JWT", pages(page=[["jwt", "1f0c33a2", "body"]])),
        breaks("a script has the shared secret", pages(script=[["shared-secret", "1f0c33a2", "body"]])),
        breaks("a page has a session token", pages(page=[["session-token", "1f0c33a2", "body"]])),
        leaves_open("a script was not answered", pages(status=503)),
        leaves_open("some scripts were not looked at", pages(left_out=3)),
    ),
}
