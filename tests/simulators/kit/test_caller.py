"""Calls of simulators to real applications: whose certificates they trust."""

import asyncio
from pathlib import Path

from harness.http import Call
from simulators.kit.caller import Caller
from simulators.kit.clock import Clock
from simulators.kit.journal import Journal
from tests.harness.certificates import own_authority
from tests.harness.hostile import answering, serving

_CALL = Call("getEvent", "GET", "/api/events/11")


def test_an_authority_of_ones_own_is_trusted_where_it_is_named(tmp_path: Path) -> None:
    certificate, tls = own_authority(tmp_path)

    async def status(ca_file: str) -> int | None:
        async with serving(answering(b"{}"), tls) as url:
            caller = Caller("tuvens-api", url, clock=Clock(), journal=Journal("hi.events", {}), ca_file=ca_file)
            try:
                outcome = await caller.send(_CALL, within=20.0)
            finally:
                await caller.close()
        return outcome.answer.status if outcome.answer is not None else None

    assert asyncio.run(status(str(certificate))) == 200
    assert asyncio.run(status("")) is None
