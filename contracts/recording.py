"""Recorders of a deployment's traffic, which compute the facts that the rules read."""

import sys
from dataclasses import replace

from contracts import facts
from contracts.gate import Gate, anything
from harness.deployment import Deployment
from harness.history import History
from harness.history_writer import HistoryWriter
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.traffic_limits import TrafficLimits


def writer_for(deployment: Deployment, history: History, *, foreign: bool = True) -> HistoryWriter:
    """A writer that redacts the deployment's secrets; `foreign`: for traffic of others."""
    redactor = Redactor(deployment.secrets())
    return HistoryWriter(history, redactor, facts=facts.ALL, secrets=facts.handed_out, foreign=foreign)


_FOREIGN = {"strikes": sys.maxsize, "operation_bytes": sys.maxsize, "kept_entries": 10_000}
"""What limits traffic that others send: not what a target does, but memory."""


def recorder_for(
    deployment: Deployment,
    history: History,
    *,
    gate: Gate | None = None,
    redactor: Redactor | None = None,
    foreign: bool = False,
) -> Recorder:
    """A recorder with the deployment's traffic limits and secrets (or a `redactor` that knows them), behind a gate
    (default: one that lets through what the kinds of the targets allow). `foreign` traffic continues however often a
    target does not answer: its sender decides."""
    gate = gate or Gate(deployment, anything)
    seconds = deployment.safety.seconds
    limits = TrafficLimits(seconds=seconds, connect_seconds=min(5.0, seconds))
    return Recorder(
        history,
        redactor or Redactor(deployment.secrets()),
        limits=limits if not foreign else replace(limits, **_FOREIGN),
        facts=facts.ALL,
        secrets=gate.learn,
        tls=deployment.tls,
        proxy=deployment.proxy,
        foreign=foreign,
        gate=gate,
    )
