"""The stand-alone `pact` command agrees: through the signing proxy, from files and from a broker, on right and on wrong
providers."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pact import Verifier

import openapi
from contracts.pacts.interactions import FOLDER, interactions
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.server import listen
from scenarios.tools.loopback import served
from scenarios.tools.pact.state_server import MESSAGES_PATH, STATES_PATH
from simulators.launch import LaunchOptions
from tests.contracts.pacts.broker import TOKEN, Broker
from tests.launching import launched
from tests.scenarios.tools.proxied import Proxied, proxy

_PACT = str(Path(sys.executable).with_name("pact"))
# The command follows redirects, so that it cannot see where the page leads back to.
_NO_VISITS = "^(a [^v]|one )"


def _run(work: Callable[[Deployment, Path], Awaitable[None]], folder: Path, *faults: str) -> None:
    with launched(LaunchOptions(limits="raised", faults=faults)) as built:
        deployment = build_deployment(built.description(), apps=openapi.APPS, editions=(openapi.EDITION,))
        asyncio.run(_bounded(work(deployment, folder)))


async def _bounded(work: Awaitable[None]) -> None:
    async with asyncio.timeout(100):
        await work


async def _pact(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        _PACT,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PACT_DO_NOT_TRACK": "true", **environment},
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode("utf-8", "replace")


async def _verify(
    here: Proxied, provider: str, source: Sequence[str], report: Path, **environment: str
) -> tuple[int, Any]:
    """Verify a provider through its proxy; the exit code, and the results by the interactions' keys."""
    url = here.urls[provider]
    port = url.rpartition(":")[2]
    code, said = await _pact(
        "verifier", "--no-colour", *source, "-n", provider, "-h", "127.0.0.1", "-p", port,
        "-s", url + STATES_PATH, "--state-change-teardown", "--transports", f"message:{port}{MESSAGES_PATH}",
        "--request-timeout", "60000", "-j", str(report),
        **environment,
    )  # fmt: skip
    return code, _results(report, said)


def _results(report: Path, said: str) -> dict[str, str]:
    assert report.exists(), said
    results = json.loads(report.read_text("utf-8"))["interactionResults"]
    return {each["interactionKey"]: each["result"] for each in results}


def _keys(provider: str, *, visits: bool = True) -> set[str]:
    """The keys of a provider's interactions."""
    return {
        each.name.removeprefix("hi_events_").removeprefix("tuvens_client_")
        for each in interactions()
        if each.provider == provider and (visits or each.operation != "openCrossAppPage")
    }


def test_it_verifies_every_interaction_of_tuvens_api_from_the_files(tmp_path: Path) -> None:
    async def work(deployment: Deployment, folder: Path) -> None:
        async with proxy(deployment) as here:
            files = [part for file in sorted(FOLDER.glob("*-tuvens-api.json")) for part in ("-f", str(file))]
            code, results = await _verify(here, "tuvens-api", files, folder / "report.json")
            assert set(results) == _keys("tuvens-api")
            assert Counter(results.values()) == {"OK": len(results)}
            assert code == 0
            assert deployment.shared_secret not in here.saved()

    _run(work, tmp_path)


@asynccontextmanager
async def _broker() -> AsyncIterator[tuple[Broker, str]]:
    broker = Broker()
    async with served(broker.app(), listen(), lambda: None) as url:
        yield broker, url


def test_it_publishes_to_a_broker_and_verifies_hi_events_from_there_with_its_results(tmp_path: Path) -> None:
    async def work(deployment: Deployment, folder: Path) -> None:
        async with _broker() as (broker, url), proxy(deployment) as here:
            where = {"PACT_BROKER_BASE_URL": url, "PACT_BROKER_TOKEN": TOKEN}
            client = [str(each) for each in sorted(FOLDER.glob("tuvens-client-*.json"))]
            version = ("--consumer-app-version", "1.2.3", "--branch", "main", "--tag", "staging")
            code, said = await _pact("broker", "publish", *client, *version, **where)
            assert code == 0, said
            _expect_published(broker)

            selector = json.dumps({"mainBranch": True})
            source = ["-b", url, "--consumer-version-selectors", selector, "--filter-description", _NO_VISITS]
            results_of = {"--provider-version": "4.5.6", "--provider-branch": "main", "--provider-tags": "production"}
            source += ["--publish", *(part for pair in results_of.items() for part in pair)]
            code, results = await _verify(here, "hi.events", source, folder / "report.json", **where)
            assert set(results) == _keys("hi.events", visits=False)
            assert Counter(results.values()) == {"OK": len(results)}
            assert code == 0
            assert broker.selectors[-1]["consumerVersionSelectors"] == [{"mainBranch": True}]
            assert broker.branches["hi.events", "4.5.6"] == "main"
            assert broker.tags["hi.events", "4.5.6"] == {"production"}
            (told,) = broker.results
            assert (told["consumer"], told["success"], told["providerApplicationVersion"]) == (
                "tuvens-client",
                True,
                "4.5.6",
            )
            assert broker.refused == 0

    _run(work, tmp_path)


def test_the_library_reads_from_a_broker_by_the_standard_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(url: str) -> dict[str, Any]:
        verifier = (
            Verifier("hi.events", host="127.0.0.1")
            .add_transport(url=url)
            .state_handler(url + STATES_PATH, body=True, teardown=True)
            .filter("^a sign-in with an unknown session token$")
            .broker_source()
        )
        verifier.verify()
        results: dict[str, Any] = verifier.results
        return results

    async def work(deployment: Deployment, _: Path) -> None:
        async with _broker() as (broker, url), proxy(deployment) as here:
            broker.pacts["tuvens-client", "hi.events", "1.2.3"] = _committed("tuvens-client", "hi.events")
            monkeypatch.setenv("PACT_DO_NOT_TRACK", "true")
            monkeypatch.setenv("PACT_BROKER_BASE_URL", url)
            monkeypatch.setenv("PACT_BROKER_TOKEN", TOKEN)
            results = await asyncio.to_thread(verify, here.urls["hi.events"])
            assert [each["result"] for each in results["interactionResults"]] == ["OK"]
            assert broker.refused == 0

    _run(work, tmp_path)


def _expect_published(broker: Broker) -> None:
    names = {(consumer, provider) for consumer, provider, _ in broker.pacts}
    assert names == {("tuvens-client", "hi.events"), ("tuvens-client", "tuvens-api")}
    for (consumer, provider, version), content in broker.pacts.items():
        assert version == "1.2.3"
        assert content["interactions"] == _committed(consumer, provider)["interactions"]
    assert broker.branches == {("tuvens-client", "1.2.3"): "main"}
    assert broker.tags == {("tuvens-client", "1.2.3"): {"staging"}}


def _committed(consumer: str, provider: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FOLDER / f"{consumer}-{provider}.json").read_text("utf-8"))
    return value


def test_it_finds_the_same_interactions_broken(tmp_path: Path) -> None:
    async def work(deployment: Deployment, folder: Path) -> None:
        async with proxy(deployment) as here:
            file = str(FOLDER / "hi.events-tuvens-api.json")
            only = ["-f", file, "--filter-description", "^a request to validate a live session token$"]
            code, results = await _verify(here, "tuvens-api", only, folder / "report.json")
            assert results == {"validate_session_tells_whose_it_is": "Error"}
            assert code == 1

    _run(work, tmp_path, "user-id-is-a-number")


def test_pytest_collects_the_pacts_of_the_contracts_and_fails_for_a_broken_one(tmp_path: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-k", "tells_whose", "--crossapp-fault", "user-id-is-a-number"]
    command = [sys.executable, "-m", "pytest", str(FOLDER.parent), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert f"1 failed, {len(interactions()) - 1} deselected" in done.stdout
    assert "to be the same type as '456' (String)" in done.stdout
    assert "reproduce: curl -i -X POST" in done.stdout
