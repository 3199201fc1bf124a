"""What the contract page leaves open, and the benign variants of the simulators that make each other choice.

One table for all applications. A key is the beginning of a sentence of the section "Left open", or the question of a
row of the table of disagreements. A value names the variants (simulators/*/faults/; without `-of-<application>` where
they fit any of them), or says in a sentence why there can be none. `()` is an entry whose variants are to be written.
"""

from collections.abc import Mapping

Choice = tuple[str, ...] | str

_DEVIATION = "The ruling allows one answer; the others are faults, or deviations that a deployment file declares."

LEFT_OPEN: Mapping[str, Choice] = {
    # tuvens-api
    "Whether calls that fail authentication count": ("refused-calls-count",),
    "Rate-limit headers are there in any case": "No choice: it says what holds whatever is chosen before.",
    "Status of a wrong method": (
        "wrong-method-answers-404-at-tuvens-api",
        "wrong-method-answers-404-at-hi-events",
        "wrong-media-type-answers-415",
        "wrong-media-type-answers-415-at-hi-events",
        "large-bodies-answer-400",
        "large-bodies-answer-400-at-hi-events",
    ),
    "`null` where a field is required": "No choice: null is as missing, and the simulators' form checks say so.",
    "An empty `permission`": ("empty-permission-answers-400",),
    "Unknown extra fields in requests": "No choice: they are ignored.",
    "`origin` may be absent": ("errors-without-origin",),
    "`resource_id: null`": ("null-resource-answers-400",),
    "All fields of the webhook's example are required": "No choice: another event_type is 400.",
    "Extra fields anywhere in answers": ("extra-fields", "webhook-with-more-fields"),
    "`contactData.hiEventsEventId` is the number": ("event-numbers-as-text",),
    "`hiEventsLastUpdated` is the time of processing": ("last-updated-is-event-sent-at",),
    "A repeated or stale delivery is answered 200": ("repeated-delivery-told-again",),
    "Clocks differ": ("clock-ahead", "clock-behind"),
    "PATCH of an event without a body": ("change-without-body-changes-nothing",),
    "What is said of the form of an embedding page": "No choice of an answer: browser rules judge the frame alone.",
    "Names of headers that a throttler suffixes": ("rate-limit-headers-name-their-limit",),
    "Which of two concurrent deliveries": "Chance decides it at the simulator, too.",
    # hi.events
    "PUT of the status that an event already has": ("same-status-sent-again",),
    "Times have milliseconds, whole seconds or microseconds": (
        "whole-seconds",
        "microseconds",
        "offset-of-zero",
        "webhook-time-in-microseconds",
        "webhook-time-in-whole-seconds",
        "webhook-time-with-offset",
    ),
    "Another offset is wrong": "No choice: faults write one.",
    "Header names in any case": (
        "capitalised-headers",
        "other-key-order",
        "gzip",
        "chunked",
        "connection-close",
        "no-charset",
        "quoted-charset",
    ),
    "Whether one session token may start more than one Hi.Events session": ("session-token-starts-one-session",),
    "A Hi.Events session outlives the Tuvens session": "No choice: it says what a session is worth.",
    # tuvens-client
    "Where tuvens-client keeps the user's JWT": ("jwt-in-local-storage",),
}
"""The sentences of "Left open"."""

DISAGREEMENTS: Mapping[str, Choice] = {
    "account_id in generate-session": _DEVIATION,
    "success code of the POSTs": _DEVIATION,
    "validate-session's body": _DEVIATION,
    "unknown or expired session": _DEVIATION,
    "session token in user-accounts": _DEVIATION,
    "error body": _DEVIATION,
    "single use of session tokens": _DEVIATION,
    "token form": ("session-tokens-like-jwts", "session-tokens-in-hex"),
    "return parameters": _DEVIATION,
    "ticketing status's name": _DEVIATION,
    "validate-permission's answer": _DEVIATION,
    "resource_id": _DEVIATION,
    "`message` in errors": ("messages-are-lists",),
    "rate-limit headers on the 429 itself and on answers of a body parser": "Advice: a rule warns without them.",
    "X-RateLimit-Reset": _DEVIATION,
    "malformed JSON without credentials": ("parser-before-guards",),
    "who answers first, throttle or guard": _DEVIATION,
    "webhook attempts": _DEVIATION,
    "shared secret in the browser": _DEVIATION,
}
"""The rows of the table of disagreements."""

RULINGS: Mapping[str, Choice] = {
    "What the framework itself refuses": ("framework-errors-without-code",),
    "(an empty PHP array is `[]`)": ("validation-errors-as-an-empty-list",),
    "without it Laravel may answer by a redirect or a page": ("errors-are-pages-unless-json-is-accepted",),
    "On sign-in the bearer token may also come as a cookie": ("sign-in-sets-a-cookie",),
    "The event may stand below": ("events-below-data", "events-as-upstream-has-them"),
    "`tuvens_event_id` may be a field, or an entry": ("tuvens-event-among-attributes",),
    "a deployment without it lacks a capability": ("events-cannot-be-read",),
    "400/422, 401": ("ill-formed-permission-answers-400",),
    "for a missing, ill-typed (or 422)": ("missing-token-answers-422",),
    "SHOULD then be 502 or 503": ("upstream-failure-answers-502",),
    "a cached answer is at most 60 s old": ("validation-cached-for-half-a-minute",),
    "Storing only a SHA-256 of the token": "No answer shows how a token is stored; the simulators store its hash.",
    "`path` included (without the query, or with the token masked)": ("token-masked-in-error-path",),
    "`account_id` may be added": ("session-without-account",),
}
"""Words elsewhere on the page that leave a choice."""
