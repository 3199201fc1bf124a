"""The faults of the simulated tuvens-api, each a realistic bug in one sentence."""

from simulators.kit.faults import Fault
from simulators.turns_red import TURNS_RED


def _fault(name: str, sentence: str) -> Fault:
    return Fault(name, "tuvens-api", sentence, frozenset(TURNS_RED.get(name, ())))


def _trouble(name: str, sentence: str) -> Fault:
    return Fault(name, "tuvens-api", sentence, kind="trouble")


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
        "webhook-answers-400",
        "The webhook route answers 400 to everything.",
    ),
)
