"""The faults of the simulated tuvens-api, each a realistic bug in one sentence."""

from simulators.kit.faults import Fault
from simulators.kit.variants import variants
from simulators.turns_red import TURNS_RED
from simulators.tuvens_api.strains import SENTENCES


def _fault(name: str, sentence: str, *, at_start: bool = False, suite: str = "verify") -> Fault:
    return Fault(name, "tuvens-api", sentence, frozenset(TURNS_RED.get(name, ())), at_start=at_start, suite=suite)


def _trouble(name: str, sentence: str) -> Fault:
    return Fault(name, "tuvens-api", sentence, kind="trouble")


def _benign(name: str, sentence: str) -> Fault:
    return Fault(name, "tuvens-api", sentence, kind="benign")


FAULTS: tuple[Fault, ...] = (
    # sessions
    _fault(
        "session-lives-an-hour",
        "Sessions expire 3600 s after generation, and expires_at says so: the default of a library was left.",
    ),
    _fault(
        "session-outlives-its-expiry-by-a-minute",
        "expires_at says 900 s, but a leeway of 60 s is granted when the session is looked up.",
    ),
    _fault(
        "expired-session-served-by-user-accounts",
        "user-accounts answers from a cache of sessions that knows no expiry.",
    ),
    _fault(
        "expired-session-served-by-validate-session",
        "validate-session looks the session up without looking at its expiry.",
    ),
    _fault(
        "expired-session-served-by-validate-permission",
        "validate-permission looks the session up without looking at its expiry.",
    ),
    _fault(
        "unknown-session-answers-401",
        "An unknown or expired session is answered 401 instead of 404.",
    ),
    _fault(
        "tokens-are-sequential",
        "Session tokens are a counter in disguise: whoever has one can guess the next.",
    ),
    _fault(
        "tokens-are-short",
        "Session tokens have 8 random bytes instead of 32.",
    ),
    _fault(
        "tokens-repeat-per-user",
        "A user who has a live session is handed the same token again instead of a new one.",
    ),
    _fault(
        "user-id-is-a-number",
        "validate-session answers user_id as a number.",
    ),
    _fault(
        "name-left-null",
        "validate-session answers name null for a user without a name, instead of the email.",
    ),
    _fault(
        "last-used-not-updated",
        "A successful validation does not move the session's last-used time.",
    ),
    _fault(
        "generate-answers-201",
        "generate-session answers 201, the framework's default for a POST.",
    ),
    _fault(
        "account-id-optional",
        "generate-session without account_id mints a session for the user's first account.",
    ),
    _fault(
        "foreign-account-admitted",
        "generate-session mints a session for an account that the user is no member of.",
    ),
    _fault(
        "lost-update-under-load",
        "validate-session keeps the session in a shared variable while it waits: concurrent callers get each "
        "other's users.",
    ),
    _fault(
        "expired-rows-kept",
        "Expired sessions are never removed from crossAppSession.",
    ),
    _fault(
        "user-sessions-orphaned",
        "crossAppSession has no foreign keys: the sessions of a deleted user stay (takes effect when armed at the"
        " start, or with the next reset).",
        at_start=True,
    ),
    # user authentication
    _fault(
        "jwt-signature-not-checked",
        "JWTs are decoded, but their signature is not verified.",
    ),
    _fault(
        "jwt-alg-none-accepted",
        "A JWT whose header says alg none is accepted without a signature.",
    ),
    _fault(
        "jwt-expiry-ignored",
        "Expired JWTs are accepted.",
    ),
    # shared secret
    _fault(
        "secret-compared-by-prefix",
        "The shared secret is compared over the shorter of the two lengths: a beginning of it, or it with more "
        "behind, is accepted.",
    ),
    _fault(
        "secret-case-ignored",
        "The shared secret is compared without regard to case.",
    ),
    _fault(
        "secret-not-demanded-by-validate-permission",
        "validate-permission was left out of the shared-secret guard.",
    ),
    _fault(
        "secret-leaks-by-timing",
        "The shared secret is compared byte by byte up to the first difference, and each equal byte takes time.",
    ),
    _fault(
        "form-checked-before-authentication",
        "The body is validated before the guard runs: 400 where 401 is due.",
    ),
    # accounts and permissions
    _fault(
        "all-accounts-listed",
        "user-accounts lists every account there is.",
    ),
    _fault(
        "permission-granted-on-foreign-resource",
        "validate-permission does not look at whose event the resource is.",
    ),
    _fault(
        "unknown-permission-is-an-error",
        "validate-permission answers 400 to a permission that it does not know.",
    ),
    _fault(
        "permission-always-false",
        "validate-permission answers false to everything.",
    ),
    # webhook
    _fault(
        "signature-over-reserialised-json",
        "The webhook's signature is verified over the body parsed and written again, not over its bytes.",
    ),
    _fault(
        "signature-not-checked",
        "The webhook's signature is not verified.",
    ),
    _fault(
        "signature-prefix-optional",
        "A webhook signature without sha256= before it is accepted.",
    ),
    _fault(
        "signature-sha1-accepted",
        "A webhook signed with HMAC-SHA1 (sha1=...) is accepted.",
    ),
    _fault(
        "signature-hex-case-ignored",
        "A webhook signature in upper-case hex is accepted.",
    ),
    _fault(
        "signature-leaks-by-timing",
        "A webhook's signature is compared character by character up to the first difference, and each equal one takes "
        "time.",
    ),
    _fault(
        "php-escapes-break-signature",
        "Escaped slashes are unescaped before the signature is verified: what PHP's json_encode sends is refused.",
    ),
    _fault(
        "live-maps-to-setup",
        "LIVE gives the ticketing status setup.",
    ),
    _fault(
        "ended-maps-to-active",
        "ENDED is not in the table of statuses, and the event stays on sale: active.",
    ),
    _fault(
        "unknown-status-is-refused",
        "A status beside LIVE, DRAFT, CANCELLED and ENDED is answered 400 instead of giving setup.",
    ),
    _fault(
        "metadata-not-updated",
        "The webhook changes the ticketing status, but not contactData.",
    ),
    _fault(
        "stale-delivery-applied",
        "A delivery older than the last one applied overwrites it.",
    ),
    _fault(
        "repeated-delivery-fails",
        "A delivery that was applied before runs into a unique constraint and is answered 500.",
    ),
    _fault(
        "unknown-event-answers-200",
        "A webhook for an event that does not exist is answered 200.",
    ),
    _fault(
        "malformed-webhook-answers-500",
        "A signed but malformed webhook is answered 500.",
    ),
    # errors
    _fault(
        "error-shape-of-nest",
        "Errors have NestJS's default shape (statusCode, message, error).",
    ),
    _fault(
        "stack-trace-in-errors",
        "Errors carry a stack trace.",
    ),
    _fault(
        "session-token-echoed-in-errors",
        "Error messages repeat the session token.",
    ),
    _fault(
        "query-in-error-path",
        "The path in errors has its query, with the session token in it.",
    ),
    _fault(
        "shared-secret-in-debug-header",
        "A debug header that was left in shows the shared secret in the answers to back ends.",
    ),
    _fault(
        "quote-breaks-query",
        "A single quote or NUL in session_token or permission breaks the SQL statement: 500 with its text.",
    ),
    _fault(
        "large-bodies-processed",
        "Bodies above 1 MiB are read and processed.",
    ),
    # CORS
    _fault(
        "cors-suffix-admitted",
        "Every origin that ends in hi.events' domain is admitted.",
    ),
    _fault(
        "cors-reflects-any-origin",
        "Whatever origin asks is admitted.",
    ),
    _fault(
        "cors-wildcard",
        "Access-Control-Allow-Origin is *.",
    ),
    # rate limits
    _fault(
        "rate-limit-not-enforced",
        "Limits are announced, but requests past them are served.",
    ),
    _fault(
        "rate-limit-headers-missing",
        "Answers have no X-RateLimit headers.",
    ),
    _fault(
        "rate-limit-shared-by-all-users",
        "generate-session is counted by address: all users behind one share ten a minute.",
    ),
    # stream
    _fault(
        "sse-events-are-named",
        "Stream events have a name, so that a page's onmessage never sees them.",
    ),
    _fault("stream-fails-on-other-ids", "Last-Event-ID goes to the database unread: what is no number fails there."),
    _fault(
        "sse-not-sent",
        "Applied webhooks send no message to the stream.",
    ),
    _fault(
        "sse-sent-for-refused-webhooks",
        "The stream reports a status change before the webhook is checked, also when it is refused.",
    ),
    _fault(
        "sse-without-heartbeat",
        "The stream is silent while nothing happens: proxies close it.",
    ),
    # audit
    _fault(
        "audit-misses-failures",
        "The audit log records successes only.",
    ),
    _fault(
        "audit-holds-tokens",
        "The audit log keeps whole session tokens.",
    ),
    # sessions
    _fault(
        "session-ends-five-seconds-early",
        "A session is refused five seconds before its announced expiry, by a margin for slow networks.",
    ),
    _fault(
        "session-outlives-its-expiry-by-a-second",
        "Expiry is compared in whole seconds: a session lives up to a second longer than announced.",
    ),
    _fault(
        "session-consumed-by-validation",
        "The session of a user who may not manage ticketing is good for one validation.",
    ),
    _fault(
        "clean-up-takes-the-next-session",
        "The fourth time that tokens which expired a minute ago are presented, a clean-up that runs once a day "
        "removes the user's sessions, the next one with them.",
    ),
    _fault("live-session-answers-500", "validate-session reads a column that was renamed: 500 for every live session."),
    _fault(
        "session-token-is-injectable",
        "The session token is pasted into the SQL statement: ' OR '1'='1 finds a session.",
    ),
    _fault(
        "missing-session-token-answers-404",
        "A question without a usable session_token is looked up instead of being answered 400: 404.",
    ),
    _fault("expires-at-left-out", "generate-session answers without expires_at."),
    _fault("validate-session-answers-201", "validate-session answers 201, NestJS's default for a POST."),
    _fault("user-accounts-answers-203", "user-accounts answers 203, as an intermediate cache makes it."),
    _fault("validate-permission-answers-201", "validate-permission answers 201, NestJS's default for a POST."),
    _fault("user-email-left-out", "validate-session leaves out the email."),
    _fault("account-id-as-text", "validate-session answers account_id as text, as it comes from the database driver."),
    # storage (at the start)
    _fault("app-id-not-stored", "The migration that adds appId to crossAppSession was not run.", at_start=True),
    _fault(
        "expiry-not-indexed",
        "crossAppSession has no index on expiresAt: each clean-up reads the whole table.",
        at_start=True,
    ),
    # settings (at the start)
    _fault(
        "secret-setting-ignored",
        "HI_EVENTS_SHARED_SECRET is not read: the secret of the source code is used.",
        at_start=True,
    ),
    _fault("expiry-setting-ignored", "CROSS_APP_SESSION_EXPIRY is not read: sessions live 900 s.", at_start=True),
    _fault(
        "domain-setting-ignored",
        "HI_EVENTS_DOMAIN is not read: the origin of the source code is admitted.",
        at_start=True,
    ),
    # user authentication
    _fault(
        "missing-jwt-is-the-first-user",
        "A generate-session without a JWT is answered for the first user: the guard's default of the tests was "
        "left in.",
    ),
    _fault("malformed-jwt-answers-500", "What is no JWT at all is not caught when it is decoded: 500."),
    _fault("account-id-as-text-accepted", "generate-session takes an account_id written as text."),
    # shared secret
    _fault(
        "missing-secret-admitted",
        "The guard compares the secret only where the header is there: without it a caller is let in.",
    ),
    _fault(
        "wrong-secret-revokes-the-session",
        "A question with a wrong secret revokes the session that it names, where nobody has used that yet.",
    ),
    # accounts and permissions
    _fault("account-slug-left-out", "user-accounts lists accounts without their slug."),
    _fault(
        "own-account-not-listed",
        "user-accounts leaves out the account that the session is for: only the other ones are listed.",
    ),
    _fault("permission-answered-as-text", 'has_permission is text: "true" or "false".'),
    _fault(
        "permission-on-events-always-false",
        "resource_id is compared with the ids of accounts: no event is ever the user's.",
    ),
    _fault("member-may-do-everything", "Membership of the account is enough for every permission."),
    # webhook
    _fault("webhook-verified-with-a-former-key", "Webhooks are verified with a key that was replaced."),
    _fault("missing-signature-accepted", "The signature is verified only where the header is there."),
    _fault(
        "signature-compared-by-prefix",
        "The signature is compared over the length of what was sent: a part of it is accepted.",
    ),
    _fault(
        "update-applied-before-its-signature-is-checked",
        "The event is changed first, and the signature checked afterwards: a forged update is answered 401 and "
        "applied.",
    ),
    _fault("update-not-applied", "A webhook is acknowledged and put into a queue that nobody reads."),
    _fault("webhook-answers-201", "The webhook is answered 201, NestJS's default for a POST."),
    _fault("webhook-answer-without-message", "The webhook's answer has no message."),
    _fault("draft-maps-to-inactive", "DRAFT gives the ticketing status inactive."),
    _fault(
        "cancelled-spelled-with-one-l", "The table of statuses spells CANCELED: CANCELLED is unknown and gives setup."
    ),
    _fault("archived-maps-to-inactive", "ARCHIVED gives the ticketing status inactive."),
    _fault("status-case-ignored", "The status is compared without regard to case: live makes an event active."),
    _fault(
        "metadata-hold-the-ticketing-status",
        "contactData.hiEventsStatus holds the ticketing status, not what hi.events sent.",
    ),
    _fault("metadata-time-never-moves", "contactData.hiEventsLastUpdated is written once and never again."),
    _fault("repeated-delivery-takes-back", "A delivery that was applied before is taken back when it comes again."),
    _fault(
        "newer-delivery-lost-after-a-stale-one",
        "After a delivery that is stale by more than five seconds the next one is skipped, too.",
    ),
    # events
    _fault("event-id-is-a-number", "Events have a number for an id."),
    _fault(
        "event-without-page-url", "Events are read without hi_events_event_url, the URL of their page at hi.events."
    ),
    _fault("event-without-start", "Events are read without startDate."),
    _fault("event-sent-as-text", "GET /api/events/{id} sends its JSON as text/plain."),
    _fault("unknown-event-answers-null", "An event that does not exist is answered 200 with null."),
    _fault("callback-forgets-the-event-id", "The callback's hiEventsEventId is not stored."),
    _fault("callback-resets-the-ticketing-status", "Enabling ticketing leaves the ticketing status null."),
    _fault("legacy-aliases-dropped", "Events are read without the legacy aliases."),
    _fault("event-change-unguarded", "PATCH /api/events/{id} works without a JWT, as the first user."),
    _fault("event-change-by-any-member", "A member of the event's account may change it without manage_ticketing."),
    _fault("event-change-by-any-organiser", "Who holds manage_ticketing in any account may change every event."),
    _fault(
        "event-changed-before-permission-is-asked",
        "The event is changed first, and the permission asked afterwards: 403, and changed.",
    ),
    _fault(
        "change-of-unknown-event-answers-500", "A change of an event that does not exist reads a property of null: 500."
    ),
    # errors
    _fault("error-names-another-status", "Errors say statusCode 400 in their body, whatever their status is."),
    _fault("error-timestamp-in-seconds", "Errors carry their timestamp as Unix seconds."),
    # CORS
    _fault("cors-without-patch", "Preflight answers allow GET and POST, and not PATCH."),
    # rate limits
    _fault(
        "questions-limited-by-address",
        "user-accounts and validate-permission are counted by address: all sessions share one limit.",
    ),
    _fault("rate-limit-reset-in-seconds-left", "X-RateLimit-Reset tells the seconds that are left, not a time."),
    _fault("limited-without-retry-after", "A 429 does not say how long to wait."),
    # stream
    _fault("stream-is-json", "The stream is sent as application/json: a browser's EventSource gives up."),
    _fault("sse-event-id-is-a-number", "Messages carry eventId as a number."),
    _fault(
        "sse-tells-the-former-status",
        "Messages are built before the change is written, and tell the former ticketing status.",
    ),
    _fault("sse-sent-twice", "Each applied webhook is told twice: by the service and by a database trigger."),
    _fault("sse-without-id", "Messages have no id:."),
    _fault("sse-reconnect-starts-anew", "Last-Event-ID is not looked at: what was missed is lost."),
    _fault(
        "sse-reconnect-only-replays",
        "A page that reconnects with Last-Event-ID is sent what it missed, and nothing that comes later.",
    ),
    _fault(
        "sse-breaks-on-other-alphabets",
        "A title with characters beyond Latin-1 breaks the broadcast: the webhook is applied, and nobody told.",
    ),
    # routes
    _fault("generate-session-route-missing", "POST /api/cross-app/generate-session is not registered."),
    _fault("validate-session-route-missing", "POST /api/cross-app/validate-session is not registered."),
    _fault("user-accounts-route-missing", "GET /api/cross-app/user-accounts is not registered."),
    _fault("validate-permission-route-missing", "POST /api/cross-app/validate-permission is not registered."),
    _fault("webhook-route-missing", "The webhook's route is not registered."),
    _fault("event-route-missing", "GET /api/events/{id} is not registered."),
    _fault("event-change-route-missing", "PATCH /api/events/{id} is not registered."),
    _fault("stream-route-missing", "GET /api/events/updates is not registered."),
    # other ways of being right
    _benign("session-tokens-like-jwts", "Session tokens are written as a JWT: three parts of base64url between dots."),
    _benign("session-tokens-in-hex", "Session tokens are 32 random bytes in hex."),
    _benign("session-without-account", "generate-session does not add account_id."),
    _benign("errors-without-origin", "Errors have no origin."),
    _benign("errors-without-code", "origin has a message alone."),
    _benign("token-masked-in-error-path", "The path of an error has its query, with the session token masked."),
    _benign("wrong-method-answers-404-at-tuvens-api", "A wrong method is answered 404 by the router."),
    _benign("wrong-media-type-answers-415", "A body of another media type is answered 415."),
    _benign("large-bodies-answer-400", "A body above 1 MiB is answered 400."),
    _benign("refused-calls-count", "Calls that fail authentication count against the rate limit."),
    _benign("empty-permission-answers-400", "An empty permission is ill-formed: 400."),
    _benign("null-resource-answers-400", "resource_id null is ill-formed: 400."),
    _benign("last-updated-is-event-sent-at", "hiEventsLastUpdated is the event_sent_at of the webhook."),
    _benign("event-numbers-as-text", "hi.events' numbers of events are text."),
    _benign(
        "sse-with-crlf-and-comments", "The lines of the stream end with CR LF, and a comment precedes each message."
    ),
    _benign("sse-events-named-message", "Messages are named message, which a browser gives to onmessage, too."),
    _benign(
        "repeated-delivery-told-again", "A repeated delivery changes nothing, and is told to the stream once more."
    ),
    *variants("tuvens-api"),
    *(_fault(name, sentence, suite="load") for name, sentence in SENTENCES.items()),
    # provider trouble: tools of scenarios, judged on the caller
    _trouble(
        "tuvens-api-answers-500",
        "The routes for back ends answer 500.",
    ),
    _trouble(
        "tuvens-api-answers-nonsense",
        "The routes for back ends answer 200 with an HTML page, as a misconfigured proxy does.",
    ),
    _trouble(
        "tuvens-api-hangs",
        "The routes for back ends take the request and never answer.",
    ),
    _trouble(
        "webhook-answers-503",
        "The webhook route answers 503, as during a deployment.",
    ),
    _trouble(
        "webhook-answers-429",
        "The webhook route answers 429, as if too much was sent.",
    ),
    _trouble(
        "webhook-hangs",
        "The webhook route takes the request and never answers.",
    ),
    _trouble(
        "webhook-answers-400",
        "The webhook route answers 400 to everything.",
    ),
)
