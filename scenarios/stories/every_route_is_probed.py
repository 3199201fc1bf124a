"""Every route of the contract is probed: which of them are served?"""

from contextlib import suppress

import openapi
from harness.http import Call, Headers
from harness.story import Phase
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import BROWSER, Cast
from scenarios.catalogue import story


@story(phase=Phase.FIRST)
async def every_route_is_probed(cast: Cast) -> None:
    """Someone without credentials knocks at every route of the contract."""
    for app in cast.deployment.targets:
        with suppress(TargetGoneError):  # the next application may answer
            await _probe(cast, app)


async def _probe(cast: Cast, app: str) -> None:
    for operation in openapi.load(app, cast.deployment.edition).operations.values():
        if operation.contract.served is None:
            continue
        if operation.streams:
            async with cast.listens(f"{operation.id}"):
                pass
            continue
        path = {"id": _event_of(cast, operation)} if "{id}" in operation.path else None
        headers: Headers = (("Accept", "application/json"),)
        body = None
        if operation.method in ("POST", "PUT", "PATCH"):
            headers = (*headers, ("Content-Type", "application/json"))
            body = b"{}"
        call = Call(operation.id, operation.method, operation.target(path), headers, body)
        await cast.send(operation.id, BROWSER, call)


def _event_of(cast: Cast, operation: openapi.Operation) -> str:
    if operation.app == "hi.events" and cast.deployment.linked:
        return cast.deployment.linked[0].hi
    return cast.some_event
