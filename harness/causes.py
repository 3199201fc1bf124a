"""Which violations have one cause: the same deviation, the same difference from a document, or the same wrong status.

Two causes are never taken for one: what is not surely the same is told apart.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from harness.history import Exchange, History
from harness.http import WireError, read_json
from harness.redact import named_tokens
from harness.requirement import Requirement
from harness.verdict import Verdict, Violated

# Their headers have rules of their own, and no other rule finds anything in them.
_APART = "/headers/x-ratelimit"
_PLACEHOLDER = re.compile(r"<[a-z-]+:[0-9a-f]{8}>")
_SESSION_TOKEN = "<session-token:"
_GIVEN = re.compile(rb"<(?:session-token|bearer):[0-9a-f]{8}>")
_FORM = {400, 422}
_REAL = re.compile(r"<(?:jwt|bearer):[0-9a-f]{8}>")
_CREDENTIALS = ("authorization", "x-shared-secret", "x-hi-events-signature")
_STATUS = re.compile(r"\b(?:status|response) (\d{3}(?:(?:, | or )\d{3})*)|^(\d{3}) without")


def causes_of(
    requirement: Requirement, verdict: Verdict, history: History, explained: Sequence[str]
) -> tuple[str, ...]:
    """The causes of a violation, each equal for all that it violates; none for other verdicts.

    It is the known deviation that explains it; else the difference from the document in the exchange that shows it,
    where the verdict speaks of that difference, or its wrong status; else the requirement itself.
    """
    if not isinstance(verdict, Violated):
        return ()
    if explained:
        return (explained[0],)
    return tuple(dict.fromkeys(_cause(requirement, each, history) for each in verdict.parts or (verdict,)))


def chosen(causes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The cause under which each requirement is told, by its id. One that saw several is a witness of the first, but
    stands for the one that nobody else saw."""
    alone = {found[0] for found in causes.values() if len(found) == 1}
    return {
        requirement: next((each for each in found if each not in alone), found[0]) if found else ""
        for requirement, found in causes.items()
    }


def _cause(requirement: Requirement, verdict: Violated, history: History) -> str:
    shown = next((history.numbered(number) for number in verdict.evidence), None)
    if not isinstance(shown, Exchange):
        return requirement.id
    if shown.callee != requirement.obliged:
        found = _came_of_another(requirement, shown, verdict, history)
        return f"{requirement.obliged}: {found}" if found else requirement.id
    found = (
        verdict.check
        or _let_in(shown, verdict, history)
        or _kept_out(shown, verdict)
        or _difference(shown, verdict)
        or _wrong_status(shown, verdict)
    )
    return f"{requirement.obliged}: {found}" if found else requirement.id


def _let_in(exchange: Exchange, verdict: Violated, history: History) -> str:
    """That an exchange should have been refused for who sent it, or how often, and was not. A route that serves anybody
    without credentials does not look at them, nor look at them first."""
    status, wanted = exchange.status or 0, _statuses(verdict.expected)
    operation = f"of {exchange.operation}"
    if wanted == [429] and status != 429:
        return f"{exchange.operation} is not limited"
    if wanted == [403] and exchange.is_success:
        return f"{status} {operation} (without permission)"
    if wanted != [401] or not 200 <= status < 500 or status == 401:
        return ""
    asked = list(history.exchanges(exchange.operation, exchange.callee))
    if found := _answered_again(exchange, asked):
        return found
    if not any(_has_credentials(each) for each in asked):
        return _token_taken(exchange, asked)
    if any(each.is_success and not _has_credentials(each) for each in asked):
        return f"the guard {operation}"
    if not _has_credentials(exchange):
        return f"{status} {operation} (without credentials)"
    return "" if _has_real_credentials(exchange) else f"{status} {operation} (with wrong credentials)"


def _answered_again(exchange: Exchange, asked: Sequence[Exchange]) -> str:
    """That a request was given a token that the route had given to other credentials before, and so was one without
    any: the route repeats an answer without a look at who asks. A token that only requests with credentials share may
    be one user's."""
    first: dict[bytes, list[tuple[str, str]]] = {}
    repeated, to_anybody = False, False
    for each in asked:
        if not each.is_success or _SESSION_TOKEN.encode() in each.request_body:
            continue  # nothing was given, or to whom is said in the body
        who = sorted((name, value) for name, value in _credentials(each) if name in (*_CREDENTIALS, "cookie"))
        for token in set(_GIVEN.findall(each.response_body)):
            if first.setdefault(token, who) != who:
                repeated = repeated or each.number == exchange.number
                to_anybody = to_anybody or not who
    return f"the guard of {exchange.operation}" if repeated and to_anybody else ""


def _came_of_another(requirement: Requirement, asked: Exchange, verdict: Violated, history: History) -> str:
    """That a token, of which another application was asked, is a repeated answer of the obliged one: the exchange that
    gave it is evidence, too."""
    for each in map(history.numbered, verdict.evidence[1:]):
        if isinstance(each, Exchange) and each.callee == requirement.obliged:
            sent = asked.request_body
            if any(token in sent for token in _GIVEN.findall(each.response_body)):
                return _answered_again(each, list(history.exchanges(each.operation, each.callee)))
    return ""


def _token_taken(exchange: Exchange, asked: Sequence[Exchange]) -> str:
    """That a route takes a token in the body that nobody issued; or an expired one, which it answers as it answers
    those, and not as live ones: it looks at neither."""
    if not exchange.is_success:
        return ""
    answers: dict[str, set[str]] = {"live": set(), "expired": set(), "unknown": set(), "": set()}
    for each in asked:
        if each.is_success:
            answers[_token_of(each)].add(_form(each))
    kind, form = _token_of(exchange), _form(exchange)
    alike = form in answers["unknown"] and bool(answers["live"]) and form not in answers["live"]
    unknown = kind == "unknown" or (kind == "expired" and alike)
    return f"{exchange.status} of {exchange.operation} (what is unknown, to be refused)" if unknown else ""


def _token_of(exchange: Exchange) -> str:
    """What the token in the body of a request is by the record; nothing where that is not known."""
    body = exchange.request_body.decode("utf-8", "replace")
    if _SESSION_TOKEN in body:
        left = exchange.facts.get("credential_left")
        return "" if left is None else "live" if left["seconds"] >= 0 else "expired"
    return "unknown" if _PLACEHOLDER.search(body) or any(named_tokens(body)) else ""


def _form(exchange: Exchange) -> str:
    """An answer's body without the tokens in it."""
    return _PLACEHOLDER.sub("", exchange.response_body.decode("utf-8", "replace"))


def _kept_out(exchange: Exchange, verdict: Violated) -> str:
    """That an exchange was refused for its credentials, and should not have been."""
    wanted = _statuses(verdict.expected)
    served = max(wanted) < 300 if wanted else verdict.expected.startswith("success (2xx)")
    return f"401 of {exchange.operation} (with right credentials)" if served and exchange.status == 401 else ""


def _difference(exchange: Exchange, verdict: Violated) -> str:
    """How an exchange differs from its document, if the verdict speaks of it: its pointer in a schema or operation."""
    said = f"{verdict.expected} {_without_body(verdict.observed, exchange)}"
    for problem in exchange.facts.get("problems", ()):
        pointer = str(problem).partition(": ")[0]
        if pointer == "/status":
            return ""
        wanted = _statuses(verdict.expected)
        nothing = pointer == "/body" and bool(wanted) and exchange.status not in wanted
        if not pointer.startswith(_APART) and (nothing or _speaks_of(said, pointer)):
            if exchange.facts.get("ill_formed") and exchange.is_success:
                return f"{exchange.operation} takes and returns what is ill-formed"
            of = exchange.facts.get("schema") if pointer.startswith("/body/") else ""
            return f"{re.sub(r'/[0-9]+(?=/|$)', '/*', pointer)} of {of or exchange.operation}"
    return ""


def _wrong_status(exchange: Exchange, verdict: Violated) -> str:
    """The status of an exchange, if it is what is wrong, and to what: a server error or undocumented status to a kind
    of request, any other one to just that request."""
    status, wanted = exchange.status or 0, _statuses(verdict.expected)
    undocumented = any(str(each).startswith("/status: ") for each in exchange.facts.get("problems", ()))
    if wanted == [404] and exchange.is_success:
        # A session token that was real once is another matter than what never was.
        what = "an expired session" if _SESSION_TOKEN in _sent(exchange) else "what is unknown"
        return f"{status} of {exchange.operation} ({what}, to be not found)"
    if status < 500 and not undocumented:
        places = exchange.facts.get("ill_formed")
        if isinstance(places, list) and places and wanted and _FORM.issuperset(wanted) and exchange.is_client_error:
            due = " or ".join(map(str, wanted))
            return f"{status} of {exchange.operation} (ill-formed {', '.join(places)}, to be {due})"
        request = sha256(_sent(exchange).encode()).hexdigest()[:8]
        return f"{status} of {exchange.operation} ({request})" if wanted and status not in wanted else ""
    if not _speaks_of(verdict.observed, str(status)):
        return ""
    if any(each >= 500 for each in wanted):
        return f"{status} of {exchange.operation} (in trouble)"
    ill_formed = bool(exchange.facts.get("ill_formed"))
    refused = min(wanted, default=400 if ill_formed or _has_odd_credentials(exchange) else 200) >= 400
    form, due = "ill-formed" if ill_formed else "well-formed", "refused" if refused else "served"
    return f"{status} of {exchange.operation} ({form}, to be {due})"


def _statuses(expected: str) -> list[int]:
    found = _STATUS.search(expected)
    return [int(each) for each in re.findall(r"\d{3}", found[0])] if found else []


def _sent(exchange: Exchange) -> str:
    """A request but for what differs from client to client."""
    target = urlsplit(exchange.url)
    credentials = sorted(_credentials(exchange))
    try:
        body = json.dumps(read_json(exchange.request_body), sort_keys=True)
    except WireError:
        body = exchange.request_body.decode("utf-8", "backslashreplace")
    return f"{target.path}?{target.query} {credentials} {body}"


def _credentials(exchange: Exchange) -> Iterator[tuple[str, str]]:
    for name, value in exchange.request_headers:
        if name.lower() in ("authorization", "cookie") or name.lower().startswith("x-"):
            yield name.lower(), value


def _has_credentials(exchange: Exchange) -> bool:
    return any(value.strip() for name, value in _credentials(exchange) if name in _CREDENTIALS)


def _has_real_credentials(exchange: Exchange) -> bool:
    """Whether a request has a JWT or bearer token: another user's, an expired and an altered one are told apart."""
    return any(_REAL.search(value) for name, value in _credentials(exchange) if name in _CREDENTIALS)


def _has_odd_credentials(exchange: Exchange) -> bool:
    """Whether a request has a credential that is none of the deployment's: no placeholder stands for it."""
    named = [value for name, value in _credentials(exchange) if name in ("authorization", "x-shared-secret")]
    return any(not _PLACEHOLDER.search(value) for value in named)


def _without_body(observed: str, exchange: Exchange) -> str:
    """What a verdict observed, without the body that it shows, in which any field may stand."""
    body = " ".join(exchange.response_body[:64].decode("utf-8", "replace").split())[:12]
    return observed.partition(f"{exchange.status} {body}")[0] if body else observed


def _speaks_of(said: str, pointer: str) -> bool:
    """Whether a text has the last part of a pointer as a word; names of headers in any case."""
    word, any_case = pointer.rpartition("/")[2], pointer.startswith("/headers/")
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said, re.IGNORECASE if any_case else 0) is not None
