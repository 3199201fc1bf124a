"""What the deployment file says of users, events and the secret is so at the deployment: the premise of the rules that
rest on it.

Where the two contradict each other, either may be wrong. Such a rule is then undecided and names both readings, and
what rests on it is blocked, so that nobody is accused for a mistake in the file. Where the deployment let nothing be
read that could contradict the file, such a rule is undecided as well, and blocks nothing. A deployment of simulators is
described by the simulators themselves.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Unpack

from contracts.catalogue import RuleFacts, RuleFamily
from contracts.deployment_file.premises import STORY
from contracts.times import iso_or_none, parse_http_date
from harness.expectations import LackingError, UnaskedError, UndecidedError, answered, held, let_through, shown
from harness.history import Exchange, History, NothingObservedError
from harness.http import object_or_empty
from harness.requirement import MUST, Judge
from harness.verdict import Verdict

_WHO = ("user_id", "email", "name")

_family = RuleFamily(
    level=MUST, obliged="tuvens-api", section="Systems", story=STORY, depends_on="routes.tuvens-api_answers"
)


def rule(**own: Unpack[RuleFacts]) -> Callable[[Judge], Judge]:
    """A rule of the family. There is nothing to compare where the application is simulated: its simulator says who and
    what there is."""

    def add(judge: Judge) -> Judge:
        @wraps(judge)
        def judged(history: History) -> Verdict:
            if history.context.targets.get(own.get("obliged", "tuvens-api"), {}).get("kind") == "simulated":
                raise LackingError("the application is simulated: its simulator says what the file has", blocks=False)
            try:
                return judge(history)
            except NothingObservedError as nothing:
                outcome = history.outcome(STORY)
                if outcome is None or outcome.ended != "finished":
                    raise
                never = f"nothing in the file could be compared: {nothing.step!r} never happened"
                raise UnaskedError(never, blocks=False) from None

        return _family(**own)(judged)

    return add


def _user(history: History, role: str) -> dict[str, Any]:
    users = history.context.settings.get("users", ())
    return next((dict(each) for each in users if each["role"] == role), {})


def _jwt_of(history: History, role: str) -> dict[str, Any]:
    """What the file's JWT of a user says of itself: `subject`, `expires_at` (Unix seconds) and `signed`, whether
    credentials.jwt_secret signed it; None for what is not known."""
    return dict(history.observation(f"{STORY}/file").values["jwts"].get(role, {}))


def _contradiction(ours: str, theirs: str, at: Exchange) -> UndecidedError:
    return UndecidedError(f"either the deployment file is wrong ({ours}), or {theirs} (exchange {at.number})")


def _nothing_compared(at: Exchange) -> UndecidedError:
    return UndecidedError(
        f"nothing in the file could be compared: exchange {at.number} ({at.step}) got {shown(at, length=60)}",
        blocks=False,
    )


@rule(quote="tuvens-api", next_step="Set a JWT that is valid now, and an account that its user belongs to.")
def organiser_is_admitted(history: History) -> Verdict:
    """tuvens-api accepts the organiser of the deployment file: the JWT is valid, and the account is the organiser's."""
    minting = let_through(history.one(f"{STORY}/mint/organiser"))
    jwt, user = _jwt_of(history, "organiser"), _user(history, "organiser")
    if minting.status == 401:
        now = parse_http_date(minting.header("date")) or minting.started
        ends, subject = jwt.get("expires_at"), jwt.get("subject")
        ours = "the organiser's jwt is not from this deployment"
        if ends is not None and ends <= now:
            ours = f"the organiser's jwt expired {now - ends:.0f} s ago by the server's clock: give a new one"
        elif jwt.get("signed"):
            ours = "credentials.jwt_secret differs from tuvens-api's JWT_SECRET"
        elif jwt.get("signed") is False:
            ours = "credentials.jwt_secret did not sign the organiser's jwt"
        elif subject and user.get("user_id") and subject != user["user_id"]:
            ours = f"the organiser's jwt belongs to user {subject}, but user_id is {user['user_id']}"
        raise _contradiction(ours, f"tuvens-api rejects a valid JWT: {shown(minting, length=60)}", minting)
    if minting.status == 403:
        raise _contradiction(
            f"the organiser does not belong to account_id {user.get('account_id')}",
            "tuvens-api rejects a member of the account",
            minting,
        )
    if not minting.is_success:
        raise _nothing_compared(minting)
    return held(minting)


@rule(
    section="Authentication",
    quote="Backend to backend: header `x-shared-secret`.",
    next_step="Compare credentials.shared_secret with tuvens-api's HI_EVENTS_SHARED_SECRET.",
)
def shared_secret_is_accepted(history: History) -> Verdict:
    """tuvens-api accepts the shared secret of the deployment file on at least one of the routes that require it."""
    asked = [let_through(each) for each in history.every(f"{STORY}/secret")]
    if all(each.status == 401 for each in asked):
        raise _contradiction("shared_secret is wrong", "tuvens-api rejects the correct secret", asked[0])
    accepted = [each for each in asked if each.is_success or (each.is_client_error and each.status not in (401, 405))]
    if not accepted:
        raise _nothing_compared(asked[0])
    return held(accepted)


@rule(
    quote="name falls back to the email",
    depends_on=["deployment_file.organiser_is_admitted", "deployment_file.shared_secret_is_accepted"],
    next_step="Compare user_id, email and name of the organiser in the file with the user at tuvens-api.",
    section="POST /api/cross-app/validate-session (shared secret)",
)
def organiser_is_described(history: History) -> Verdict:
    """tuvens-api returns the organiser's user_id, email and name as the deployment file has them."""
    whose = answered(history.one(f"{STORY}/whose/organiser"))
    said, user, jwt = object_or_empty(whose.response_body), _user(history, "organiser"), _jwt_of(history, "organiser")
    if not any(user.get(name) for name in _WHO):
        raise LackingError("the file names no user_id, email or name of the organiser", blocks=False)
    compared = [name for name in _WHO if user.get(name) and name in said]
    if not whose.is_success or not compared:
        raise _nothing_compared(whose)
    # A JWT that names the file's user shows that the file is right.
    if jwt.get("subject") and jwt["subject"] == user.get("user_id") != said.get("user_id"):
        return held(whose)
    for name in compared:
        if said[name] != user[name]:
            raise _contradiction(
                f"{name} of the organiser is wrong",
                f"tuvens-api returns another user than the one for whom the session was issued: "
                f"{name} {str(said[name])[:60]!r}",
                whose,
            )
    return held(whose)


@rule(
    quote="A resource of an account that the session's user does not belong to is `false`.",
    section="POST /api/cross-app/validate-permission (shared secret)",
    needs="role:outsider",
    depends_on="deployment_file.shared_secret_is_accepted",
    next_step="Name an outsider who does not belong to the organiser's account.",
)
def outsider_is_in_another_account(history: History) -> Verdict:
    """tuvens-api lists none of the organiser's accounts for the outsider of the deployment file."""
    _expect_admitted(history, "outsider")
    listed = answered(history.one(f"{STORY}/accounts/outsider"))
    accounts = object_or_empty(listed.response_body).get("accounts")
    if not listed.is_success or not isinstance(accounts, list):
        raise _nothing_compared(listed)
    account = _user(history, "organiser").get("account_id")
    if any(isinstance(each, dict) and str(each.get("id")) == str(account) for each in accounts):
        refused = _refused_a_session(history)
        if refused is not None:
            return held((listed, refused), "tuvens-api lists the account, and refuses the outsider a session in it")
        raise _contradiction(
            f"the outsider belongs to the organiser's account {account}",
            "tuvens-api lists other people's accounts",
            listed,
        )
    return held(listed)


@rule(
    quote="Known permissions: `create_events`, `manage_ticketing`",
    section="POST /api/cross-app/validate-permission (shared secret)",
    needs="role:member",
    depends_on="deployment_file.shared_secret_is_accepted",
    next_step="Name a member of the account who does not hold manage_ticketing.",
)
def member_lacks_manage_ticketing(history: History) -> Verdict:
    """tuvens-api does not grant manage_ticketing to the member of the deployment file."""
    _expect_admitted(history, "member")
    asked = answered(history.one(f"{STORY}/permission/member"))
    granted = object_or_empty(asked.response_body).get("has_permission")
    if granted is True:
        raise _contradiction(
            "the member holds manage_ticketing", "tuvens-api grants a permission that the user lacks", asked
        )
    if granted is not False:
        raise _nothing_compared(asked)
    return held(asked)


def _refused_a_session(history: History) -> Exchange | None:
    """The outsider's request for a session in the organiser's account, if it was sent and refused (403)."""
    try:
        asked = history.one(f"{STORY}/mint in the organiser's account/outsider")
    except NothingObservedError:
        return None
    return asked if asked.status == 403 else None


def _expect_admitted(history: History, role: str) -> None:
    minting = let_through(history.one(f"{STORY}/mint/{role}"))
    if minting.status in (401, 403):
        what = "jwt is not from this deployment" if minting.status == 401 else "account_id is wrong"
        raise _contradiction(f"the {role}'s {what}", "tuvens-api rejects a valid user", minting)


@rule(
    quote="`account_id`",
    section="GET /api/events/{id} (public) and PATCH /api/events/{id} (JWT; manage_ticketing in the event's account)",
    depends_on="routes.getEvent",
    next_step="Name events of the organiser's account in events.tuvens.",
)
def events_are_the_organisers(history: History) -> Verdict:
    """tuvens-api has the events of the deployment file, in the organiser's account."""
    try:
        read = history.every(f"{STORY}/event")
    except NothingObservedError:
        raise LackingError("the file has no events: name some in events.tuvens", blocks=False) from None
    account, compared = _user(history, "organiser").get("account_id"), []
    for each in read:
        number = each.step.rpartition("/")[2]
        if let_through(each).status == 404:
            raise _contradiction(f"events.tuvens: there is no event {number}", "tuvens-api does not find it", each)
        found = object_or_empty(each.response_body).get("account_id")
        if found is None:
            continue
        if str(found) != str(account):
            raise _contradiction(
                f"event {number} belongs to account {found}, not to the organiser's account {account}",
                "tuvens-api returns a wrong account",
                each,
            )
        compared.append(each)
    if not compared:
        raise _nothing_compared(read[0])
    return held(compared)


@rule(
    quote="`account_id`",
    section="GET /api/events/{id} (public) and PATCH /api/events/{id} (JWT; manage_ticketing in the event's account)",
    needs="foreign-event",
    depends_on="routes.getEvent",
    next_step="Set events.foreign to an event of an account that the organiser does not belong to.",
)
def foreign_event_is_foreign(history: History) -> Verdict:
    """tuvens-api has the foreign event of the deployment file, in an account other than the organiser's."""
    account, read = _user(history, "organiser").get("account_id"), let_through(history.one(f"{STORY}/foreign event"))
    if read.status == 404:
        raise _contradiction("events.foreign: there is no such event", "tuvens-api does not find it", read)
    found = object_or_empty(read.response_body).get("account_id")
    if found is None:
        raise _nothing_compared(read)
    if str(found) == str(account):
        raise _contradiction(
            "events.foreign belongs to the organiser's account", "tuvens-api returns a wrong account", read
        )
    return held(read)


@rule(
    quote="GET /events/{id} (bearer) reads one: id, title, status, tuvens_event_id",
    section="Events and outgoing webhooks",
    obliged="hi.events",
    needs="linked-event",
    depends_on="routes.hi.events_answers",
    next_step="Compare events.linked with the tuvens_event_id of the events at hi.events.",
)
def linked_events_agree(history: History) -> Verdict:
    """hi.events returns for each linked event the tuvens_event_id that the deployment file has."""
    noted = history.observation(f"{STORY}/linked")
    for hi, said in noted.values["tuvens_event_ids"].items():
        wanted = noted.values["file"][hi]
        if said is not None and said != wanted:
            raise UndecidedError(
                f"either the deployment file is wrong (events.linked: event {hi} belongs to {wanted}), or hi.events "
                f"links the event to another one ({said})"
            )
    if not any(noted.values["tuvens_event_ids"].values()):
        raise UndecidedError(
            "nothing in the file could be compared: hi.events returned none of the linked events, or no "
            "tuvens_event_id in them",
            blocks=False,
        )
    return held(noted)


@rule(
    quote="`expires_at`: ISO 8601 UTC with Z, 900 s after generation.",
    section="POST /api/cross-app/generate-session (JWT)",
    depends_on="deployment_file.organiser_is_admitted",
    next_step="Set session_expiry to the value of CROSS_APP_SESSION_EXPIRY at tuvens-api.",
)
def session_expiry_is_announced(history: History) -> Verdict:
    """tuvens-api announces the session_expiry of the deployment file, if the file sets one."""
    minting = answered(history.one(f"{STORY}/mint/organiser"))
    stated = history.context.settings.get("session_expiry_stated")
    ends = iso_or_none(object_or_empty(minting.response_body).get("expires_at"))
    begins = parse_http_date(minting.header("date"))
    if stated is None:
        raise LackingError("the file does not set session_expiry", blocks=False)
    if ends is None or begins is None:
        raise _nothing_compared(minting)
    seconds = ends - begins
    # Date has whole seconds, and may have been written after a pause.
    if abs(seconds - stated) > max(3.0, stated * 0.05) + minting.seconds:
        raise _contradiction(
            f"session_expiry is {stated} s", f"tuvens-api announces another lifetime: {seconds:.0f} s", minting
        )
    return held(minting)
