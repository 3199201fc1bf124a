"""Example histories of the rules about session tokens."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from contracts.session_token import rules_ill_formed, rules_questions, rules_refusals
from contracts.session_token.rules_expiry import BY_CLOCK, BY_WAITING
from contracts.session_token.rules_minting import SAMPLE, STORY
from contracts.times import iso_millis
from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.documented import documented, error, without
from tests.contracts.examples import Example, Examples, breaks, holds, lacks, leaves_open
from tests.contracts.histories import NOW, answer, history, instead, no_answer, observed

FIRST = f"{STORY}/first"
ORGANISER = {"role": "organiser", "user_id": "1", "email": "zoe@example.com", "name": "Zoë M", "account_id": 123}
OUTSIDER = {"role": "outsider", "user_id": "3", "email": "olga@example.com", "name": "Olga", "account_id": 124}
ACME = {"id": 123, "name": "Acme Events", "slug": "acme-events"}
BLUEBIRD = {"id": 124, "name": "Bluebird Concerts", "slug": "bluebird-concerts"}
VALIDATE, ACCOUNTS, PERMISSION = "validateSession", "listUserAccounts", "validatePermission"


# Minting


def session(step: str = FIRST, status: int = 200, *, lives: float = 900, **changed: Any) -> Exchange:
    """A session is minted, some fields of the answer otherwise; `...` takes one out."""
    headers = changed.pop("headers", {})
    value = {"session_token": "t" * 43, "expires_at": iso_millis(NOW + lives), **changed}
    body = {name: each for name, each in value.items() if each is not ...}
    return documented("generateSession", status, step, body, headers=headers)


def minted(*others: Entry, expiry: int = 900) -> Seen:
    """The organiser mints two sessions, one of them otherwise."""
    found = [session(), session(f"{STORY}/second")]
    return history(*instead(found, *others), settings={"session_expiry": expiry})


def sampled(**other: Any) -> Seen:
    """What a sample of tokens shows."""
    good = {"count": 48, "repeats": 0, "shortest": 43, "bits": 256, "shared_prefix": 2, "monobit": 0.3, "runs": -1.1}
    one = answer(f"{SAMPLE}/sample", 200, {})
    return history(one, observed(f"{SAMPLE}/sample statistics", **{**good, "exchanges": [1], **other}))


_REFUSED = error("generateSession", 500, FIRST)
_FAILS = (
    leaves_open("no answer comes", minted(no_answer(FIRST))),
    leaves_open("a rate limit strikes", minted(error("generateSession", 429, FIRST))),
)
_OTHERS_FAIL = (
    holds(
        "the second one fails, which is another rule's matter", minted(error("generateSession", 500, f"{STORY}/second"))
    ),
    holds("the second one is rate limited", minted(error("generateSession", 429, f"{STORY}/second"))),
    holds("the second one gets no answer", minted(no_answer(f"{STORY}/second"))),
    leaves_open("no session was minted", history(_REFUSED)),
)

MINTING: Examples = {
    "mints_a_session": (
        holds("a token and its expiry", minted()),
        holds("with 201, which is another rule's matter", minted(session(status=201))),
        holds("with the account", minted(session(account_id=123))),
        breaks("it is refused", minted(error("generateSession", 403, FIRST))),
        breaks("it fails", minted(_REFUSED)),
        breaks("no token", minted(session(session_token=...))),
        breaks("an empty token", minted(session(session_token=""))),
        breaks("a token that is a number", minted(session(session_token=5))),
        breaks("no expiry", minted(session(expires_at=...))),
        breaks("an expiry in Unix seconds", minted(session(expires_at=NOW + 900))),
        breaks("no JSON", minted(documented("generateSession", 200, FIRST, b"ok"))),
        breaks("a list", minted(documented("generateSession", 200, FIRST, []))),
        *_FAILS,
    ),
    "generate_session_answers_200": (
        holds("200", minted()),
        breaks("201", minted(session(status=201))),
        *_FAILS,
    ),
    "token_has_32_to_1024_url_safe_characters": (
        holds("43 characters", minted()),
        holds("32 characters", minted(session(session_token="a" * 32))),
        holds("1024 characters", minted(session(session_token="a" * 1024))),
        holds("a JWT's form", minted(session(session_token=f"{'a' * 20}.{'b' * 20}.{'_-~c' * 20}"))),
        breaks("31 characters", minted(session(session_token="a" * 31))),
        breaks("1025 characters", minted(session(f"{STORY}/second", session_token="a" * 1025))),
        breaks("base64 that is not URL-safe", minted(session(session_token="a+/" * 14))),
        breaks("a space", minted(session(session_token="a " * 20))),
        *_OTHERS_FAIL,
    ),
    "tokens_never_repeat": (
        holds("48 tokens, all different", sampled()),
        breaks("one came twice", sampled(repeats=1)),
        leaves_open("one token only", sampled(count=1)),
    ),
    "tokens_look_random": (
        holds("256 bits of each vary", sampled()),
        holds("of an unknown alphabet", sampled(monobit=None, runs=None)),
        breaks("64 bits of each vary", sampled(bits=64)),
        breaks("two share a long prefix", sampled(shared_prefix=20)),
        breaks("too many ones", sampled(monobit=7.5)),
        breaks("too few runs", sampled(runs=-9.0)),
        leaves_open("tokens of several lengths", sampled(bits=None, shared_prefix=None)),
    ),
    "expires_900_seconds_after_generation": (
        holds("900 s", minted()),
        holds(
            "as long as the deployment sets",
            minted(*(session(f"{STORY}/{each}", lives=60) for each in ("first", "second")), expiry=60),
        ),
        holds("whole seconds", minted(session(expires_at="2025-07-25T14:45:00Z"))),
        holds("microseconds", minted(session(expires_at="2025-07-25T14:45:00.123456Z"))),
        breaks("899 s short of it", minted(session(lives=1))),
        breaks("an hour", minted(session(f"{STORY}/second", lives=3_600))),
        breaks("15 s too late", minted(session(lives=915))),
        holds("with an offset of zero", minted(session(expires_at="2025-07-25T14:45:00.000+00:00"))),
        breaks("with another offset", minted(session(expires_at="2025-07-25T16:45:00.000+02:00"))),
        breaks("without a zone", minted(session(expires_at="2025-07-25T14:45:00.000"))),
        breaks("none", minted(session(expires_at=...))),
        leaves_open("the server's clock is not known", minted(session(headers={"Date": None}))),
        leaves_open("the server's clock is nonsense", minted(session(headers={"Date": "soon"}))),
        *_OTHERS_FAIL,
    ),
}


# Refusals of generate-session

JWT_STEPS = {
    "missing_jwt_is_refused": ("no JWT", "no JWT, empty bearer", "no JWT, basic"),
    "malformed_jwt_is_refused": ("malformed JWT/one word", "malformed JWT/bytes"),
    "expired_jwt_is_refused": ("expired JWT",),
    "wrongly_signed_jwt_is_refused": ("wrongly signed JWT/other key", "wrongly signed JWT/cut signature"),
    "unsigned_jwt_is_refused": ("unsigned JWT/none", "unsigned JWT/no signature"),
    "generate_session_authenticates_before_it_reads": ("no JWT and ill-formed",),
}
ACCOUNT_STEPS = {
    "foreign_account_is_refused": (403, ("foreign account",)),
    "ill_formed_account_is_refused": (
        400,
        ("ill-formed account/zero", "ill-formed account/text", "ill-formed body/not JSON", "ill-formed body/a list"),
    ),
    "missing_account_is_refused": (400, ("ill-formed account/null", "ill-formed body/empty object")),
}


def tried(story: str, steps: Sequence[str], wanted: int, operation: str, **other: int) -> Seen:
    """Each of the steps is answered so, but for some."""
    statuses = {**dict.fromkeys(steps, wanted), **other}
    return history(*(error(operation, each, f"{story}/{step}") for step, each in statuses.items()))


def _all_refused(
    story: str, steps: Sequence[str], wanted: int, operation: str, wrong: Sequence[int]
) -> Sequence[Example]:
    seen = partial(tried, story, steps, wanted, operation)
    lost = no_answer(f"{story}/{steps[0]}", operation=operation)
    return (
        holds(f"each is answered {wanted}", seen()),
        *(breaks(f"it is answered with success: {each}", seen(**{each: 200})) for each in steps),
        *(breaks(f"the last one is answered {status}", seen(**{steps[-1]: status})) for status in wrong),
        leaves_open("a rate limit strikes", seen(**{steps[0]: 429})),
        leaves_open("no answer comes", history(*instead(seen().entries, lost))),
    )


def _jwt(name: str, *more: Example) -> Sequence[Example]:
    wrong = (400, 403, 500)
    return (*_all_refused(rules_refusals.JWTS, JWT_STEPS[name], 401, "generateSession", wrong), *more)


def _account(name: str) -> Sequence[Example]:
    wanted, steps = ACCOUNT_STEPS[name]
    wrong = tuple({400, 403, 404, 422, 500} - {wanted})
    return _all_refused(rules_refusals.ACCOUNTS, steps, wanted, "generateSession", wrong)


_OPAQUE = lacks("the users' JWTs are opaque", history(error("generateSession", 401, f"{rules_refusals.JWTS}/no JWT")))
_STOPPED = leaves_open("nobody came so far", history(ended={rules_refusals.JWTS: "stopped"}))
_MISSING_ONLY = leaves_open(
    "only missing ones were tried, which is another rule's matter",
    tried(rules_refusals.ACCOUNTS, ("ill-formed account/null", "ill-formed body/empty object"), 400, "generateSession"),
)

REFUSALS: Examples = {
    **{name: _jwt(name) for name in JWT_STEPS},
    **{name: _account(name) for name in ACCOUNT_STEPS},
    "expired_jwt_is_refused": _jwt("expired_jwt_is_refused", _OPAQUE, _STOPPED),
    "wrongly_signed_jwt_is_refused": _jwt("wrongly_signed_jwt_is_refused", _OPAQUE, _STOPPED),
    "unsigned_jwt_is_refused": _jwt("unsigned_jwt_is_refused", _OPAQUE, _STOPPED),
    "ill_formed_account_is_refused": (*_account("ill_formed_account_is_refused"), _MISSING_ONLY),
}


# Questions


def questions(*others: Entry, users: Sequence[dict[str, Any]] = (ORGANISER, OUTSIDER)) -> Seen:
    """Hi.Events asks everything about live sessions, some answers otherwise."""
    told = {name: ORGANISER[name] for name in ("user_id", "email", "name", "account_id")}
    nameless = {"user_id": "5", "email": "nils@example.com", "name": "nils@example.com", "account_id": 123}
    found: list[Entry] = [
        documented(VALIDATE, 200, f"{rules_questions.VALIDATED}/first", told),
        documented(VALIDATE, 200, f"{rules_questions.VALIDATED}/again", told),
        documented(VALIDATE, 200, f"{rules_questions.VALIDATED}/nameless user", nameless),
        accounts("organiser", ACME),
        accounts("outsider", BLUEBIRD),
        *(permission(step, granted) for step, granted in _ASKED.items()),
    ]
    return history(*instead(found, *others), settings={"users": list(users)})


def validated(step: str = "first", status: int = 200, **changed: Any) -> Exchange:
    """The user of a session, some fields otherwise; `...` takes one out."""
    value = {name: ORGANISER[name] for name in ("user_id", "email", "name", "account_id")} | changed
    body = {name: each for name, each in value.items() if each is not ...}
    return documented(VALIDATE, status, f"{rules_questions.VALIDATED}/{step}", body)


def accounts(role: str, *listed: object, status: int = 200) -> Exchange:
    """The accounts of a user."""
    return documented(ACCOUNTS, status, f"{rules_questions.LISTED}/{role}", {"accounts": list(listed)})


def permission(step: str, granted: object, status: int = 200) -> Exchange:
    """Whether a permission is held."""
    return documented(PERMISSION, status, f"{rules_questions.ASKED}/{step}", {"has_permission": granted})


_ASKED = {
    "manage ticketing": True,
    "own event": True,
    "foreign event": False,
    "unknown permission": False,
    "member": False,
}
_STEPS = {
    "first": (VALIDATE, f"{rules_questions.VALIDATED}/first"),
    "again": (VALIDATE, f"{rules_questions.VALIDATED}/again"),
    "nameless user": (VALIDATE, f"{rules_questions.VALIDATED}/nameless user"),
    "organiser": (ACCOUNTS, f"{rules_questions.LISTED}/organiser"),
    "outsider": (ACCOUNTS, f"{rules_questions.LISTED}/outsider"),
    **{step: (PERMISSION, f"{rules_questions.ASKED}/{step}") for step in _ASKED},
}


def _fails(step: str, *, refusal: int = 404) -> Sequence[Example]:
    """Who is refused is served wrongly; who gets no answer, or is limited, accuses nobody."""
    operation, full = _STEPS[step]
    return (
        breaks("it is refused", questions(error(operation, refusal, full))),
        breaks("it fails", questions(error(operation, 500, full))),
        leaves_open("no answer comes", questions(no_answer(full))),
        leaves_open("a rate limit strikes", questions(error(operation, 429, full))),
    )


def _answered_200(step: str) -> Sequence[Example]:
    operation, full = _STEPS[step]
    return (
        holds("200", questions()),
        breaks("201, NestJS's own", questions(documented(operation, 201, full, {"any": "thing"}))),
        *_fails(step),
    )


def _permission(step: str) -> Sequence[Example]:
    right = _ASKED[step]
    return (
        holds(f"it is {str(right).lower()}", questions()),
        holds("with 201, which is another rule's matter", questions(permission(step, right, status=201))),
        breaks(f"it is {str(not right).lower()}", questions(permission(step, not right))),
        breaks("it is text", questions(permission(step, str(right).lower()))),
        breaks("it is a number", questions(permission(step, int(right)))),
        breaks("another field tells it", questions(documented(*_named(step), {"permission": right, "granted": right}))),
        *_fails(step),
    )


def _named(step: str) -> tuple[str, int, str]:
    operation, full = _STEPS[step]
    return operation, 200, full


def _with(name: str, value: object) -> Exchange:
    changed: dict[str, Any] = {name: value}
    return validated(**changed)


_WITHOUT_SLUG = without(ACME, "slug")

QUESTIONS: Examples = {
    "a_live_session_is_validated": (
        holds("the session is known", questions()),
        holds("with 201, which is another rule's matter", questions(validated(status=201))),
        *_fails("first"),
    ),
    "validation_names_the_user": (
        holds("the session's user", questions()),
        holds("the deployment does not say who it is", questions(users=[{"role": "organiser", "account_id": 123}])),
        *(breaks(f"{name} is missing", questions(_with(name, ...))) for name in ("user_id", "email", "name")),
        breaks("account_id is missing", questions(validated(account_id=...))),
        breaks("user_id is a number", questions(validated(user_id=1))),
        breaks("account_id is text", questions(validated(account_id="123"))),
        breaks("account_id is true", questions(validated(account_id=True))),
        breaks("the name is empty", questions(validated(name=""))),
        *(breaks(f"{name} is another's", questions(_with(name, OUTSIDER[name]))) for name in ("user_id", "email")),
        breaks("account_id is another's", questions(validated(account_id=124))),
        breaks(
            "the nested form of an older document",
            questions(documented(*_named("first"), {"valid": True, "user_data": {}})),
        ),
        lacks("the deployment names no organiser", questions(users=[])),
        *_fails("first"),
    ),
    "name_falls_back_to_the_email": (
        holds("the name is the email", questions()),
        breaks("the name is null", questions(validated("nameless user", name=None))),
        breaks("the name is empty", questions(validated("nameless user", name=""))),
        breaks("the name is that before the @", questions(validated("nameless user", name="zoe"))),
        breaks("neither is there", questions(validated("nameless user", name=..., email=...))),
        *_fails("nameless user"),
    ),
    "a_session_is_not_consumed_by_validation": (
        holds("it is validated again", questions()),
        *_fails("again"),
    ),
    "validate_session_answers_200": _answered_200("first"),
    "accounts_of_a_session_are_listed": (
        holds("an account with id, name and slug", questions()),
        holds("more about it", questions(accounts("organiser", {**ACME, "email": "a@example.com", "role": "owner"}))),
        breaks("the id is text", questions(accounts("organiser", {**ACME, "id": "123"}))),
        breaks("the id is true", questions(accounts("organiser", {**ACME, "id": True}))),
        breaks("the slug is missing", questions(accounts("organiser", ACME, _WITHOUT_SLUG))),
        breaks("the name is null", questions(accounts("organiser", {**ACME, "name": None}))),
        breaks("ids alone", questions(accounts("organiser", 123))),
        breaks("a bare list", questions(documented(*_named("organiser"), [ACME]))),
        breaks("no list", questions(documented(*_named("organiser"), {"accounts": ACME}))),
        breaks("no JSON", questions(documented(*_named("organiser"), b"ok"))),
        *_fails("organiser"),
    ),
    "user_accounts_answers_200": _answered_200("organiser"),
    "own_account_is_listed": (
        holds("it is there", questions()),
        holds("among others", questions(accounts("organiser", {**ACME, "id": 9}, ACME))),
        breaks("another one is there", questions(accounts("organiser", BLUEBIRD))),
        breaks("none is there", questions(accounts("organiser"))),
        breaks("accounts is null", questions(documented(*_named("organiser"), {"accounts": None}))),
        lacks("the deployment names no organiser", questions(users=[OUTSIDER])),
        *_fails("organiser"),
    ),
    "foreign_accounts_are_not_listed": (
        holds("each sees the own one", questions()),
        breaks("the organiser sees the outsider's", questions(accounts("organiser", ACME, BLUEBIRD))),
        breaks("the outsider sees the organiser's", questions(accounts("outsider", BLUEBIRD, ACME))),
        lacks("both have one account", questions(users=[ORGANISER, {**OUTSIDER, "account_id": 123}])),
        lacks("there is no outsider", questions(users=[ORGANISER])),
        *_fails("outsider"),
    ),
    "permission_is_answered_by_a_boolean": (
        holds("true", questions()),
        holds("false", questions(permission("manage ticketing", False))),
        breaks("text", questions(permission("manage ticketing", "true"))),
        breaks("null", questions(permission("manage ticketing", None))),
        breaks("another field tells it", questions(documented(*_named("manage ticketing"), {"granted": True}))),
        *_fails("manage ticketing"),
    ),
    "validate_permission_answers_200": _answered_200("manage ticketing"),
    "held_permission_is_true": _permission("manage ticketing"),
    "held_permission_is_true_on_an_own_event": _permission("own event"),
    "permission_is_false_on_a_foreign_event": _permission("foreign event"),
    "unknown_permission_is_false": _permission("unknown permission"),
    "lacking_permission_is_false": _permission("member"),
}


# Unknown tokens and ill-formed questions


def _refused_questions(story: str, operation: str, wanted: int, *steps: str) -> Sequence[Example]:
    wrong = tuple({400, 401, 403, 404, 422, 500} - {wanted})
    return _all_refused(f"{story}/{operation}", steps, wanted, operation, wrong)


_UNKNOWN = ("other", "cut", "extended", "other case", "changed")

ILL_FORMED: Examples = {
    "validate_session_answers_404_to_an_unknown_token": _refused_questions(
        rules_ill_formed.UNKNOWN, VALIDATE, 404, *_UNKNOWN
    ),
    "user_accounts_answers_404_to_an_unknown_token": _refused_questions(
        rules_ill_formed.UNKNOWN, ACCOUNTS, 404, *_UNKNOWN
    ),
    "validate_permission_answers_404_to_an_unknown_token": _refused_questions(
        rules_ill_formed.UNKNOWN, PERMISSION, 404, *_UNKNOWN
    ),
    "validate_session_answers_400_to_an_ill_formed_question": _refused_questions(
        rules_ill_formed.ILL_FORMED, VALIDATE, 400, "null", "empty", "number", "list", "not JSON", "no field"
    ),
    "user_accounts_answers_400_without_a_token": _refused_questions(
        rules_ill_formed.ILL_FORMED, ACCOUNTS, 400, "no token"
    ),
    "validate_permission_answers_400_to_an_ill_formed_question": _refused_questions(
        rules_ill_formed.ILL_FORMED, PERMISSION, 400, "token null", "permission number", "resource text", "no body"
    ),
}


# Expiry

ENDS = NOW + 900


def expired(
    *others: Entry, story: str = BY_CLOCK, before: float = ENDS - 2, after: float = ENDS + 0.2, **said: Any
) -> Seen:
    """A session is used two seconds before its expiry, and just after it; Unix seconds by the server's clock."""
    routes = (VALIDATE, ACCOUNTS, PERMISSION)
    used = [documented(each, 200, f"{story}/before/{each}") for each in routes]
    refused = [error(each, 404, f"{story}/after/{each}") for each in routes]
    found: list[Entry] = [
        *used,
        observed(f"{story}/times before", expires_at=ENDS, not_before=before, not_after=before + 0.1),
        *refused,
        error(VALIDATE, 404, f"{story}/unknown"),
        observed(f"{story}/times after", expires_at=ENDS, not_before=after, not_after=after + 0.1),
    ]
    return history(*instead(found, *others), **said)


def _refused_after(operation: str) -> Sequence[Example]:
    step = f"{BY_CLOCK}/after/{operation}"
    return (
        holds("it is answered 404 after the expiry", expired()),
        holds("it was waited for", expired(story=BY_WAITING, ended={BY_CLOCK: "skipped"})),
        breaks("it is still served", expired(documented(operation, 200, step))),
        *(breaks(f"it is answered {each}", expired(error(operation, each, step))) for each in (400, 401, 403, 500)),
        leaves_open(
            "the question may have come too early", expired(documented(operation, 200, step), after=ENDS - 0.5)
        ),
        leaves_open("no answer comes", expired(no_answer(step))),
        leaves_open("a rate limit strikes", expired(error(operation, 429, step))),
        leaves_open("nothing was driven", history(ended={BY_CLOCK: "stopped"}, capabilities=["control:tuvens-api"])),
    )


def _at_last(step: str, **said: Any) -> Exchange:
    return error(VALIDATE, said.pop("status", 404), f"{BY_CLOCK}/{step}", **said)


EXPIRY: Examples = {
    "session_lives_until_its_expiry": (
        holds("it is served two seconds before its end", expired()),
        holds("it was waited for", expired(story=BY_WAITING, ended={BY_CLOCK: "skipped"})),
        breaks("it ends before", expired(error(VALIDATE, 404, f"{BY_CLOCK}/before/{VALIDATE}"))),
        breaks("one route ends before", expired(error(PERMISSION, 404, f"{BY_CLOCK}/before/{PERMISSION}"))),
        leaves_open(
            "the questions took too long",
            expired(error(VALIDATE, 404, f"{BY_CLOCK}/before/{VALIDATE}"), before=ENDS - 0.05),
        ),
        leaves_open("no answer comes", expired(no_answer(f"{BY_CLOCK}/before/{VALIDATE}"))),
        leaves_open("a rate limit strikes", expired(error(VALIDATE, 429, f"{BY_CLOCK}/before/{VALIDATE}"))),
    ),
    "validate_session_refuses_an_expired_token": _refused_after(VALIDATE),
    "user_accounts_refuses_an_expired_token": _refused_after(ACCOUNTS),
    "validate_permission_refuses_an_expired_token": _refused_after(PERMISSION),
    "expired_and_unknown_tokens_look_alike": (
        holds("both are told the same", expired()),
        holds("at another time", expired(_at_last("unknown", changed={"timestamp": "2025-07-25T14:30:01.000Z"}))),
        breaks("another message", expired(_at_last(f"after/{VALIDATE}", changed={"message": "The session expired."}))),
        breaks(
            "another code",
            expired(_at_last(f"after/{VALIDATE}", changed={"origin": {"message": "…", "code": "EXPIRED"}})),
        ),
        leaves_open("the status differs, which is another rule's matter", expired(_at_last("unknown", status=401))),
        leaves_open("no answer comes", expired(no_answer(f"{BY_CLOCK}/unknown"))),
        leaves_open("a rate limit strikes", expired(_at_last(f"after/{VALIDATE}", status=429))),
    ),
}

EXAMPLES: Examples = {**MINTING, **REFUSALS, **QUESTIONS, **ILL_FORMED, **EXPIRY}
