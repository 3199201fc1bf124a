"""The audit log: one record for every cross-app call and webhook, whatever came of it."""

from simulators.kit.clock import Clock
from simulators.kit.messages import Request, Response
from simulators.tuvens_api.store import TuvensApiStore


class AuditLog:
    """Writes the audit records of the operations that the document marks as audited."""

    def __init__(self, store: TuvensApiStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def record(self, request: Request, response: Response) -> None:
        """Write one record; `detail` is the only text in it that is not a number, a name or a code."""
        operation = request.operation
        if operation is None or not operation.audited:
            return
        self._store.record(
            self._clock.now(),
            operation.id,
            response.status,
            user=request.user_id,
            account=request.account_id,
            error=request.error_code if response.status >= 400 else None,
            detail=self.detail(request),
        )

    def detail(self, request: Request) -> str | None:
        """What else is noted: nothing."""
        return None
