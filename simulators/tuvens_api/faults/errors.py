"""Faults of errors: their shape, what they give away, and the request that fails."""

from simulators.kit.endpoint import MAX_BODY
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, json_response
from simulators.kit.outages import refusing_media_types
from simulators.kit.response_mutations import all_of, drop, fails, mutated, put
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.faults.requests import session_token
from simulators.tuvens_api.simulator import TuvensApi

_WEBHOOK = "receiveEventStatusChanged"
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_SHAPE = (
    "errors.tuvens_api_errors_share_one_shape",
    "fuzzing.generateSession",
    "fuzzing.validateSession",
    "fuzzing.listUserAccounts",
    "fuzzing.validatePermission",
    "fuzzing.receiveEventStatusChanged",
    "fuzzing.getEvent",
    "fuzzing.updateEvent",
)
_TRACE = (
    "Error: request failed\n    at CrossAppService.validateSession (/app/dist/cross-app/cross-app.service.js:84:19)\n"
    "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n"
    "    at async CrossAppController.validate (/app/dist/cross-app/cross-app.controller.js:41:24)"
)


@registry.fault(kills=_SHAPE)
def error_shape_of_nest(api: TuvensApi) -> Change:
    """Errors have NestJS's default shape (statusCode, message, error)."""
    return swap(
        api.errors.response,
        lambda honest, request, refusal: json_response(
            {
                "statusCode": refusal.status,
                "message": api.errors.message(request, refusal),
                "error": _REASONS.get(refusal.status, "Error"),
            },
            refusal.status,
        ),
    )


@registry.fault(kills=["secrecy.no_answer_holds_a_stack_trace"])
def stack_trace_in_errors(api: TuvensApi) -> Change:
    """Errors contain a stack trace."""
    return mutated(api, put("stack", value=_TRACE), when=fails)


@registry.fault(kills=["errors.error_tells_its_own_status"])
def error_names_another_status(api: TuvensApi) -> Change:
    """Errors contain statusCode 400, whatever their status is."""
    return mutated(api, put("statusCode", value=400), when=fails)


@registry.fault(kills=_SHAPE)
def error_timestamp_in_seconds(api: TuvensApi) -> Change:
    """Errors have their timestamp in Unix seconds."""
    return mutated(api, put("timestamp", value=1753453800), when=fails)


@registry.benign()
def errors_without_origin(api: TuvensApi) -> Change:
    """Errors have no origin."""
    return mutated(api, drop("origin"), when=fails)


@registry.benign()
def errors_without_code(api: TuvensApi) -> Change:
    """origin has only a message."""
    return mutated(api, all_of(drop("origin", "code"), drop("origin", "details")), when=fails)


@registry.benign()
def messages_are_lists(api: TuvensApi) -> Change:
    """A validation error has a list of texts as its message, as NestJS's ValidationPipe returns it."""
    return mutated(
        api,
        all_of(put("message", value=_as_list), put("origin", "message", value=_as_list)),
        when=lambda request, response: response.status == 400,
    )


@registry.benign()
def parser_before_guards(api: TuvensApi) -> Change:
    """The body parser returns 400 for invalid JSON before the guards run; the webhook's signature is still verified
    first, over the raw bytes."""
    return _parsed_first(api, *(name for name in api.router.endpoints if name != _WEBHOOK))


@registry.fault(kills=["webhook.webhook_authenticates_before_it_reads"])
def webhook_parsed_before_its_signature(api: TuvensApi) -> Change:
    """The body parser returns 400 for a webhook that is not JSON, whatever its signature."""
    return _parsed_first(api, _WEBHOOK)


@registry.fault(kills=["secrecy.no_answer_holds_a_secret", "secrecy.error_path_hides_the_session_token"])
def session_token_echoed_in_errors(api: TuvensApi) -> Change:
    """Error messages contain the session token."""

    def message(honest: Honest[[Request, Refusal], str], request: Request, refusal: Refusal) -> str:
        token = session_token(request)
        text = honest(request, refusal)
        return f"{text} (session {token})" if token else text

    return swap(api.errors.message, message)


@registry.fault(kills=["secrecy.no_answer_holds_a_secret", "secrecy.error_path_hides_the_session_token"])
def query_in_error_path(api: TuvensApi) -> Change:
    """The path in errors contains the query, with the session token."""
    return swap(
        api.errors.path,
        lambda honest, request: (
            f"{request.path}?{request.query_string.decode('latin-1')}" if request.query_string else honest(request)
        ),
    )


@registry.benign()
def token_masked_in_error_path(api: TuvensApi) -> Change:
    """The path of an error contains the query, with the session token masked."""
    return swap(
        api.errors.path,
        lambda honest, request: f"{honest(request)}?session_token=***" if request.query_string else honest(request),
    )


@registry.fault(
    kills=[
        "hostile_input.hostile_questions_break_nothing",
        "secrecy.no_answer_holds_a_stack_trace",
        "fuzzing.nonsense_is_refused",
        "fuzzing.validateSession",
        "fuzzing.listUserAccounts",
        "fuzzing.validatePermission",
    ]
)
def quote_breaks_query(api: TuvensApi) -> Change:
    """A single quote or NUL in session_token or permission breaks the SQL statement: 500 with its text."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        if _breaks_sql(request):
            raise Refusal(
                500,
                "QueryFailedError",
                'unterminated quoted string at or near "\'": SELECT * FROM "crossAppSession" WHERE "sessionToken" = $1',
            )
        honest(request)

    return [
        swap(endpoint.check_form, check_form)
        for name, endpoint in api.router.endpoints.items()
        if name != "receiveEventStatusChanged"
    ]


@registry.benign()
def wrong_media_type_answers_415(api: TuvensApi) -> Change:
    """A body of another media type returns 415."""
    return refusing_media_types(api.errors.form_error)


@registry.fault(kills=["hostile_input.oversized_bodies_are_refused"])
def large_bodies_processed(api: TuvensApi) -> Change:
    """Bodies above 1 MiB are read and processed."""

    def largest_body(honest: Honest[[Request], int], request: Request) -> int:
        announced = request.header("content-length") or ""
        large = not announced.isdecimal() or int(announced[:20]) > MAX_BODY
        return 64 * MAX_BODY if large else honest(request)

    return [swap(each.largest_body, largest_body) for each in api.router.endpoints.values()]


@registry.benign()
def large_bodies_answer_400(api: TuvensApi) -> Change:
    """A body above 1 MiB returns 400."""
    return [
        swap(
            each.too_large,
            lambda honest, largest: Refusal(400, "VALIDATION_ERROR", f"the body is above {largest} bytes"),
        )
        for each in api.router.endpoints.values()
    ]


def _parsed_first(api: TuvensApi, *operations: str) -> Change:
    def authenticate(honest: Honest[[Request], None], request: Request) -> None:
        if request.broken is not None:
            raise Refusal(400, "VALIDATION_ERROR", "the body is no JSON")
        honest(request)

    return [swap(each.authenticate, authenticate) for each in api.endpoints(operations)]


def _as_list(text: object) -> list[str]:
    return str(text).split("; ")


def _breaks_sql(request: Request) -> bool:
    if "NUL" in (request.broken or "") or b"%00" in request.query_string:
        return True
    values = (request.field("session_token"), request.field("permission"), request.query_value("session_token"))
    return any(isinstance(value, str) and "'" in value for value in values)
