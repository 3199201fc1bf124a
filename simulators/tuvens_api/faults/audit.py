"""Faults of the audit log."""

from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.faults.requests import session_token
from simulators.tuvens_api.simulator import TuvensApi


@registry.fault(kills=["session_storage.every_call_is_audited"])
def audit_misses_failures(api: TuvensApi) -> Change:
    """The audit log records successes only."""

    def record(honest: Honest[[Request, Response], None], request: Request, response: Response) -> None:
        if response.status < 400:
            return honest(request, response)
        honest.count()
        return None

    return swap(api.audit_log.record, record)


@registry.fault(kills=["session_storage.audit_log_holds_no_secret"])
def audit_holds_tokens(api: TuvensApi) -> Change:
    """The audit log contains complete session tokens."""

    def detail(honest: Honest[[Request], str | None], request: Request) -> str | None:
        token = session_token(request) or next(
            (value for kind, value in request.secrets if kind == "session-token"), None
        )
        return honest(request) if token is None else f"session {token}"

    return swap(api.audit_log.detail, detail)
