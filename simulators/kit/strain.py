"""Faults that only many requests or a clock show: slow answers, and some that fail."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from simulators.kit.errors import Refusal
from simulators.kit.exchange import Inbound
from simulators.kit.faults import FaultRuntime


@dataclass(frozen=True, slots=True)
class Strain:
    """What happens to requests for some operations (all of them where none is named).

    `seconds` are waited for, in the database where `stored`; `every` how many requests one is struck; `refused` the
    status and code that it gets instead of an answer; `at_once`: all wait, and those beyond so many at a time get it.
    """

    operations: frozenset[str] = frozenset()
    seconds: float = 0.0
    stored: bool = False
    every: int = 1
    refused: tuple[int, str] | None = None
    at_once: int = 0


class Strains:
    """The strains of one application, by the name of their fault."""

    def __init__(self, faults: FaultRuntime, known: Mapping[str, Strain]) -> None:
        self._faults = faults
        self._known = known
        self._seen: Counter[str] = Counter()
        self._under_way = 0

    async def before(self, inbound: Inbound) -> None:
        """To be asked before a request is answered. Raises Refusal for one that is struck so."""
        if self._faults.quiet:
            return
        for name, strain in self._known.items():
            concerned = inbound.operation is not None and inbound.operation.id in (
                strain.operations or {inbound.operation.id}
            )
            if concerned and self._faults.armed(name):
                await self._strike(name, strain, inbound)

    async def _strike(self, name: str, strain: Strain, inbound: Inbound) -> None:
        self._seen[name] += 1
        struck = self._seen[name] % strain.every == 0 and self._under_way >= strain.at_once
        if struck and self._faults.on(name):
            if strain.refused is not None:
                raise Refusal(*strain.refused, "the request could not be served")
            if strain.stored:
                inbound.database_seconds += strain.seconds
        elif not strain.at_once:
            return
        self._under_way += 1
        try:
            await asyncio.sleep(strain.seconds)
        finally:
            self._under_way -= 1
