"""The faults of the simulated hi.events, each a realistic bug in one sentence."""

from collections.abc import Callable
from typing import Any

from simulators.hi_events.answers import ANSWERS
from simulators.hi_events.strains import SENTENCES, STRAINS
from simulators.kit.faults import Change, Fault, Registry, swap
from simulators.kit.outages import missing
from simulators.kit.router import no_route
from simulators.kit.variants import register_variants
from simulators.turns_red import TURNS_RED

_FAULTS = {
    # routes
    "routes-missing": "The four cross-app API routes are not registered: the router answers 404 (what the "
    "status page "
    "reports).",
    "sign-in-route-missing": "POST /auth/cross-app/validate alone is not registered: the router answers 404.",
    # sign-in
    "forged-token-accepted": "A token that tuvens-api refuses starts a session all the same.",
    "upstream-failure-starts-session": "When tuvens-api fails, a session is started for a guest.",
    "upstream-failure-answers-500": "When tuvens-api fails, the exception is not caught: 500.",
    "validation-cached-for-an-hour": "Answers of validate-session are cached for an hour, past the session's life.",
    "token-in-error-message": "The error for a refused session token quotes it.",
    "sign-in-not-limited": "More than ten tries a minute from one address are served.",
    # users and accounts
    "users-doubled-under-races": "The user is looked up, then inserted: concurrent sign-ins all find nobody, and all "
    "insert.",
    "user-doubled-on-repeat-login": "Every sign-in makes a new local user.",
    "email-not-linked": "A local user who has the same email already is not linked but doubled.",
    "shared-account-mapped": "Every Tuvens account is mapped to one and the same local account.",
    "accounts-from-local-copy": "The accounts are listed from a local copy instead of being asked of tuvens-api.",
    "permission-always-true": "validate-permission answers true without asking tuvens-api.",
    # protection
    "status-open-without-bearer": "GET /auth/cross-app/status answers without a session.",
    "protected-route-open": "PUT /events/{id}/status was left out of the middleware: it works without a session.",
    "error-shape-html": "Errors of the API are HTML pages, as a framework in debug mode sends them.",
    # the page
    "event-not-linked": "An event that the page makes does not carry its Tuvens event.",
    "draft-made-live": "An event that the page makes is LIVE at once.",
    "open-redirect": "The page goes back to a return URL of any origin.",
    "return-parameters-old-only": "The page goes back with the older spelling of the parameters only.",
    # webhooks
    "unknown-status-accepted": "A word that is no status is stored and sent on.",
    "webhook-not-sent": "A change of status sends no webhook.",
    "webhook-sends-old-status": "The webhook is built before the change is written, and tells the old status.",
    "webhook-signed-with-other-key": "Webhooks are signed with a key that was replaced.",
    "webhook-signature-over-pretty-json": "The signature is made over the body with indentation, not over what is "
    "sent.",
    "webhook-signature-without-prefix": "The signature header lacks sha256=.",
    "webhook-not-retried": "A delivery that fails once is given up.",
    "webhook-retried-on-4xx": "A delivery that is answered 4xx is sent again and again.",
    "webhooks-out-of-order": "Workers take the newest delivery of an event first.",
    "webhook-sent-twice-with-different-bodies": "A retry is built anew, with a new event_sent_at.",
    "session-token-in-delivery": "The webhook's payload carries the Tuvens session token of who made the change.",
    # more of routes
    "status-route-missing": "GET /auth/cross-app/status is not registered.",
    "accounts-route-missing": "GET /auth/cross-app/accounts is not registered.",
    "permission-route-missing": "POST /auth/cross-app/validate-permission is not registered.",
    "set-status-route-missing": "PUT /events/{id}/status is not registered.",
    "page-route-missing": "GET /auth/cross-app is not registered.",
    # more of sign-in
    "validation-sent-without-the-secret": "The shared secret is not in the environment of hi.events: its "
    "questions are answered 401, and nobody signs in.",
    "sign-in-answers-201": "A sign-in is answered 201.",
    "token-type-left-out": "A sign-in is answered without token_type.",
    "auth-token-header-left-out": "A sign-in is answered without X-Auth-Token.",
    "email-masked": "Answers carry the user's email with stars in it.",
    "last-name-left-out": "A sign-in's user has no last_name.",
    "missing-token-answers-500": "A sign-in without a usable session token reads a property of null: 500.",
    "session-token-cut-to-its-column": "A session token is cut to the 43 characters of its column before it is "
    "asked about.",
    "refusal-carries-a-token": "A refused sign-in carries X-Auth-Token all the same: a middleware sets it.",
    "refusal-after-a-quiet-minute-answers-403": "A refused sign-in after a minute without any is answered 403, "
    "by a check for unusual activity.",
    "upstream-silence-answers-500": "When tuvens-api does not answer, the time-out is not caught: 500.",
    "upstream-failure-answers-401": "When tuvens-api fails, the session token is called invalid.",
    "failed-token-stays-refused": "A token that could not be asked about is refused for ten minutes.",
    # more of users
    "users-mixed-up-in-a-crowd": "The user is kept in a variable that all sign-ins share: with many at once, "
    "one gets another's.",
    "users-share-a-row-in-a-crowd": "With many sign-ins at once, a new user is given the row that another one "
    "has just made.",
    # more of sessions
    "status-without-account": "status leaves out account_id.",
    "status-counts-users-from-zero": "status tells the user's number less one.",
    "status-expiry-without-zone": "status writes expires_at as Laravel does, without T and Z.",
    "session-never-ends": "The expiry of a session is not looked at.",
    "accounts-numbered-as-text": "accounts lists the ids as text.",
    "accounts-open-without-bearer": "accounts answers without a session: an empty list.",
    "permission-open-without-bearer": "validate-permission answers without a session: false.",
    "permission-answer-renamed": "validate-permission answers granted instead of has_permission.",
    "ill-formed-permission-is-false": "An ill-formed question for a permission is answered false.",
    "denial-remembered-by-its-name": "A denied permission is remembered by its name alone: the next question "
    "for it, about another event, is denied, too.",
    "change-made-before-the-refusal": "A change of status without a session is made first, and refused afterwards.",
    # more of events
    "archived-is-no-status": "ARCHIVED is answered 422.",
    "set-status-answers-as-text": "A change of status is answered as text/plain.",
    "set-status-answers-202": "A change of status is put into a queue, and answered 202.",
    "page-decodes-twice": "The page decodes its parameters once more, and fails at a %.",
    "event-pages-fail-on-other-ids": "The id of an event page goes to the database unread: what is no number fails.",
    "event-numbered-as-text": "GET /events/{id} has the id as text.",
    # more of the page
    "page-leads-to-the-new-event": "After making an event the page leads to it, and not back to the return URL.",
    "return-parameters-new-only": "The page goes back with the newer spelling of the parameters only.",
    "page-asks-no-permission": "The page links any Tuvens event, whosever it is.",
    "error-code-of-http": "Where a permission is lacking, the page goes back with error_code FORBIDDEN.",
    # more of webhooks
    "webhook-without-content-type": "The webhook of an archived event comes from an older client: no Content-Type.",
    "ended-not-sent": "ENDED is not among the statuses that the observer listens for: no webhook is sent.",
    "webhook-not-sent-for-events-of-the-page": "The observer that sends webhooks is not attached to events that "
    "the page made.",
    "draft-told-twice": "A change to DRAFT is told twice: by the controller and by an observer.",
    "refused-status-sent": "A word that is no status is answered 422, but the webhook is sent before the check.",
    "pauses-between-retries-shrink": "The pause is halved with each retry instead of doubled.",
    "delivery-given-up-on-429": "A delivery that is answered 429 is given up like any other 4xx.",
    "failed-delivery-overtaken": "A delivery that failed is put behind the next one of its event.",
    "failed-delivery-sent-again-at-the-end": "A delivery that failed at first is sent once more, dated anew, "
    "after those that waited for it.",
    "delivery-given-up-on-time-out": "A delivery that got no answer is given up: only answers are looked at.",
    "log-says-that-all-went-well": "The delivery log says 200 for every attempt.",
}

_BROWSER = {
    "session-token-stays-in-address": "The page is shown at the address that carries the session token, which its "
    "links and scripts send on as Referer.",
    "session-cookie-for-one-page": "The session's cookie has the path /auth: the page that follows knows nobody.",
    "embed-forbids-frames": "The pages for embedding carry the X-Frame-Options of all other pages.",
}

_TROUBLE = {
    "deliveries-hurry": "A delivery waits 1 s for its answer instead of 10.",
}

_BENIGN = {
    "missing-token-answers-422": "A sign-in without a usable session token is answered 422.",
    "ill-formed-permission-answers-400": "An ill-formed question for a permission is answered 400.",
    "upstream-failure-answers-502": "While tuvens-api fails, a sign-in is answered 502.",
    "validation-cached-for-half-a-minute": "Answers of validate-session are kept for 30 s.",
    "token-type-capitalised": "token_type is Bearer.",
    "same-status-sent-again": "A change to the status that an event has already sends a webhook, too.",
    "webhook-written-by-php": "Webhooks are written as PHP writes them: indented, slashes and accents escaped.",
    "webhook-with-more-fields": "Webhooks carry more fields than the contract names.",
    "wrong-method-answers-404-at-hi-events": "A wrong method is answered 404 by the router.",
}

_API = ("validateCrossAppSession", "getCrossAppStatus", "listCrossAppAccounts", "validateCrossAppPermission")
_ROUTES: dict[str, Callable[[Any], Change]] = {
    "routes-missing": lambda app: missing(app, *_API),
    "sign-in-route-missing": lambda app: missing(app, "validateCrossAppSession"),
    "status-route-missing": lambda app: missing(app, "getCrossAppStatus"),
    "accounts-route-missing": lambda app: missing(app, "listCrossAppAccounts"),
    "permission-route-missing": lambda app: missing(app, "validateCrossAppPermission"),
    "set-status-route-missing": lambda app: missing(app, "setEventStatus"),
    "page-route-missing": lambda app: missing(app, "openCrossAppPage"),
    "wrong-method-answers-404-at-hi-events": lambda app: [
        swap(each.refusal, lambda honest: no_route()) for each in app.router.other_methods
    ],
    "sign-in-not-limited": lambda app: swap(
        app.endpoint("validateCrossAppSession").limiter.refuse, lambda honest, grant: None
    ),
}
registry = Registry("hi.events")
for _suite, _faults in (("verify", _FAULTS), ("browser", _BROWSER), ("load", SENTENCES)):
    for _name, _sentence in _faults.items():
        _change = {**ANSWERS, **STRAINS, **_ROUTES}.get(_name, lambda simulator: ())
        _kills = frozenset(TURNS_RED.get(_name, ()))
        registry.add(Fault(_name, "hi.events", _sentence, _change, _kills, suite=_suite))  # type: ignore[arg-type]
for _kind, _faults in (("benign", _BENIGN), ("trouble", _TROUBLE)):
    for _name, _sentence in _faults.items():
        _change = {**ANSWERS, **_ROUTES}.get(_name, lambda simulator: ())
        registry.add(Fault(_name, "hi.events", _sentence, _change, kind=_kind))  # type: ignore[arg-type]
register_variants(registry)
FAULTS = registry.faults
