"""The simulators as a staging, and as a deployment file says what is armed."""

import asyncio
import os
import signal

import pytest

from crossapp.deployments import deployed
from crossapp.prove.running import RunningSimulators, as_staging, running_simulators
from harness.capabilities import capabilities_of
from harness.deployment import Deployment


def test_a_staging_gives_what_a_file_of_real_applications_can_give() -> None:
    with deployed(None) as embedded:
        staging = as_staging(embedded)
    lost = capabilities_of(embedded) - capabilities_of(staging)
    assert {each.partition(":")[0] for each in lost} >= {"control", "failures", "launch", "jwt-secret", "database"}
    assert {"role:organiser", "role:outsider", "events", "linked-event", "fuzzing"} <= capabilities_of(staging)
    assert {each.kind for each in staging.targets.values()} == {"staging"}
    assert (len(staging.events), len(staging.linked)) == (3, 2)


def test_a_variant_that_a_deployment_file_has_to_name_is_named_while_it_is_armed() -> None:
    with running_simulators() as running:
        running.prepare(["jwt-in-local-storage"])
        armed = running.described.targets["tuvens-client"]
        running.prepare([])
        honest = running.described.targets["tuvens-client"]
    assert (armed.jwt_storage, armed.jwt_cookie) == ("localStorage:jwt", "")
    assert (honest.jwt_storage, honest.jwt_cookie) == ("", "jwt")
    with deployed(None, faults=["jwt-in-local-storage"]) as embedded:
        assert embedded.targets["tuvens-client"].jwt_storage == "localStorage:jwt"


def test_what_a_file_says_stays_true_while_a_mutant_is_armed() -> None:
    with running_simulators() as running:
        running.prepare(["mutate:generateSession:200:/session_token:drop"])
        assert running.described == running.deployment
        assert running.fired("mutate:generateSession:200:/session_token:drop") == 0


def test_sigterm_stops_a_verification_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    async def performs(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("cancelled")

    monkeypatch.setattr("crossapp.prove.running.perform", performs)
    deployment = Deployment("d", "2025-07", {}, (), "a-secret-of-nobody")
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # this process goes on where nothing stops the run
    try:
        with pytest.raises(KeyboardInterrupt):
            RunningSimulators(deployment, {}).drive()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == ["cancelled"]
