"""The faults of the simulated hi.events, each a realistic bug in one sentence."""

from simulators.kit.faults import Fault
from simulators.turns_red import TURNS_RED

_FAULTS = {
    # routes
    "routes-missing": "The four cross-app API routes are not registered: the router answers 404 (what the status page "
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
}

_BROWSER = {
    "session-token-stays-in-address": "The page is shown at the address that carries the session token, which its "
    "links and scripts send on as Referer.",
}

FAULTS: tuple[Fault, ...] = tuple(
    Fault(name, "hi.events", sentence, frozenset(TURNS_RED.get(name, ())), suite=suite)
    for suite, faults in (("verify", _FAULTS), ("browser", _BROWSER))
    for name, sentence in faults.items()
)
