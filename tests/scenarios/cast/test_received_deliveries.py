"""The webhooks of a hi.events without a control plane, judged at our own receiver, in real time."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from crossapp.run import Settings, perform, report_of
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.report import Report
from harness.verdict import VerdictName
from simulators.launch import APPS, LaunchOptions
from tests.launching import launched

_SEAM = "hi_events_delivery"
_RETRY_WITHIN = 4.0
_PATIENCE = 20.0
_LOG = f"{_SEAM}.every_attempt_is_in_the_delivery_log"
_FAULTS = {
    "webhook-not-retried": "retries_after_a_server_error",
    "webhook-retried-on-4xx": "refused_delivery_is_not_retried",
    "webhook-sent-twice-with-different-bodies": "a_retry_is_the_same_delivery",
    "webhook-signature-over-pretty-json": "deliveries_are_signed",
    "webhooks-out-of-order": "deliveries_keep_the_order_of_changes",
}


def _verify(*select: str, faults: Sequence[str] = (), patience: float = _PATIENCE, to_receiver: bool = True) -> Report:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        url = f"http://{host}:{port}"
        options = LaunchOptions(
            faults=tuple(faults),
            limits="raised",
            control=False,
            webhooks_url=url if to_receiver else None,
            webhook_timeout=1.0,
            webhook_pauses=(0.3, 1.2, 5.0, 5.0),
        )
        with launched(options) as built:
            receiver = {"listen": f"{host}:{port}", "retry_within": _RETRY_WITHIN}
            deployment = _local({**built.description(), "receiver": receiver})
            settings = Settings(select=select, patience=patience)
            return report_of(asyncio.run(perform(deployment, settings, listener=listener.dup())), settings)


def _local(description: dict[str, object]) -> Deployment:
    return build_deployment(description, apps=APPS, editions=("2025-07",))


def _verdicts(report: Report) -> dict[str, VerdictName]:
    return {each.requirement: each.verdict for each in report.findings}


def _red(report: Report) -> set[str]:
    return {name for name, verdict in _verdicts(report).items() if verdict is VerdictName.VIOLATED}


@pytest.mark.slow  # drives the failing deliveries twice
def test_an_honest_sender_keeps_all_rules_and_a_fault_turns_its_own_red() -> None:
    # Nearly all of it is waiting for retries, so they are waited for together.
    with ThreadPoolExecutor(len(_FAULTS) + 1) as pool:
        honest = pool.submit(_verify, _SEAM)
        faulty = {fault: pool.submit(_verify, f"{_SEAM}.{rule}", faults=[fault]) for fault, rule in _FAULTS.items()}
    verdicts = _verdicts(honest.result()).items()
    # Of simulated applications the file says nothing that could be compared.
    others = {name: each for name, each in verdicts if each is not VerdictName.HELD and "deployment_file" not in name}
    assert others == {_LOG: VerdictName.NOT_APPLICABLE}
    assert sum(name.startswith(_SEAM) for name in _verdicts(honest.result())) >= 22
    assert {fault: _red(each.result()) for fault, each in faulty.items()} == {
        fault: {f"{_SEAM}.{rule}"} for fault, rule in _FAULTS.items()
    }


def test_without_patience_it_is_not_tested_what_retries_do() -> None:
    report = _verify(f"{_SEAM}.retries_after_a_server_error", patience=0.0)
    finding = next(each for each in report.findings if each.requirement.endswith("retries_after_a_server_error"))
    assert finding.verdict is VerdictName.NOT_APPLICABLE
    assert "--patience" in finding.reason
    assert _verdicts(report)[f"{_SEAM}.deliveries_are_signed"] is VerdictName.HELD


def test_a_sender_that_goes_past_the_receiver_is_not_accused() -> None:
    report = _verify(f"{_SEAM}.a_change_is_sent", to_receiver=False)
    finding = next(each for each in report.findings if each.requirement.endswith("a_change_is_sent"))
    assert finding.verdict is VerdictName.INCONCLUSIVE
    assert "receiver's url" in finding.reason
