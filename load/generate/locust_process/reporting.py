"""Reports of the lanes, sent as Locust messages to the one process that writes the generator's log."""

import json
import logging
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from load.generate.health import Pulse
from load.generate.lane_tally import LaneTally
from load.generate.locust_process.client import Client
from load.generate.locust_process.disturbance import RunQueue, stolen
from load.generate.samples import Result, Sample
from load.plan.measures import JOURNEYS
from load.plan.settings import stop_file

logger = logging.getLogger(__name__)
MESSAGE, STOP = "crossapp-report", "crossapp-stop"
_EVERY, _BEAT, _LOOK = 1.0, 0.1, 0.2
_AT_ONCE = 0.005


class Lane:
    """Collects the samples and pulses of one lane, and reports them every second; at the end also its tally.

    With `reports` False nothing is sent, as in a plain run of Locust.
    """

    def __init__(self, environment: Environment, number: int, *, reports: bool) -> None:
        self._environment = environment
        self._reports = reports
        self.tally = LaneTally(number)
        self.client: Client | None = None
        self.in_flight = 0
        self.connections = 0
        self.asked_to_stop = False
        self._samples: list[Sample] = []
        self._pulses: list[Pulse] = []

    def listen(self) -> None:
        """Listen for the message that stops the run early."""

        def stop(environment: Environment, msg: Any, **_: Any) -> None:
            self.asked_to_stop = True

        runner = self._environment.runner
        assert runner is not None
        runner.register_message(STOP, stop)

    def take(self, sample: Sample) -> None:
        """Add a sample."""
        if self._reports:
            self._samples.append(sample)
        if sample.measure in JOURNEYS:
            self.tally.results[sample.result] += 1

    def beat(self) -> None:
        """Take pulses for ever."""
        cpu = time.process_time()
        queue = RunQueue()
        wall, clock = _both_clocks()
        waited, (taken, ticks) = queue.waited(), stolen()
        while True:
            gevent.sleep(_BEAT)
            used = time.process_time()
            now, unix = _both_clocks()
            passed = now - wall
            waits, (takes, whole) = queue.waited(), stolen()
            if self.client is not None:
                self._pulses.append(
                    Pulse(
                        at=self.client.now(),
                        loop_lag=max(passed - _BEAT, 0.0) * 1000,
                        cpu=(used - cpu) / passed,
                        in_flight=self.in_flight,
                        connections=self.connections,
                        clock_step=(unix - clock) - passed,
                        waited=(waits - waited) / 1000 / passed,
                        stolen=(takes - taken) / max(whole - ticks, 1),
                    )
                )
            cpu, wall, clock = used, now, unix
            waited, taken, ticks = waits, takes, whole

    def report_for_ever(self) -> None:
        """Report every second, for ever."""
        while True:
            gevent.sleep(_EVERY)
            self.report({})

    def report(self, more: dict[str, Any]) -> None:
        """Report the samples and pulses since the last report, with further fields."""
        samples, self._samples = self._samples, []
        pulses, self._pulses = self._pulses, []
        if not self._reports or not (samples or pulses or more):
            return
        runner = self._environment.runner
        assert runner is not None
        rows = {"samples": [each.row() for each in samples], "pulses": [each.row() for each in pulses]}
        runner.send_message(MESSAGE, {"lane": self.tally.lane, **rows, **more})

    def finish(self, client: Client, until: float, ended: float) -> None:
        """Send the last report. The schedule ran for `until` seconds, the bursts ended after `ended` seconds."""
        self.tally.until, self.tally.ended, self.tally.finished = until, ended, True
        reasons = {measure: dict(counts) for measure, counts in client.reasons.items()}
        self.report(
            {
                "account": self.tally.to_json(),
                "reasons": reasons,
                "exchanges": client.exchanges(self.tally.lane),
            }
        )

    def give_up(self, reason: str) -> None:
        """Report why this lane sends nothing."""
        logger.error(reason)
        self.report({"note": reason})


def _both_clocks() -> tuple[float, float]:
    """The monotonic clock and the wall clock at one moment: read again if the process was interrupted in between, which
    would look as if the wall clock had been set."""
    for _ in range(20):
        before, unix, after = time.perf_counter(), time.time(), time.perf_counter()
        if after - before < _AT_ONCE:
            break
    return before, unix


class ReportSink:
    """Receives the reports and writes the log: in the master, or in the only process."""

    def __init__(self, environment: Environment, path: Path, lanes: int, judge: int) -> None:
        self._environment = environment
        self._path = path
        self._lanes = lanes
        self._finished: set[int] = set()
        self._failed = False
        self._judge = judge
        self.results: Counter[Result] = Counter()
        path.touch()

    def listen(self) -> None:
        """Receive reports from now on."""
        runner = self._environment.runner
        assert runner is not None
        runner.register_message(MESSAGE, self._on_report)
        gevent.spawn(self._watch)

    def _watch(self) -> None:
        """Forward a request to stop to all lanes; end the run once all remaining lanes have finished, or the process
        that judges it is gone."""
        stop, told = stop_file(self._path), False
        while True:
            gevent.sleep(_LOOK)
            if self._judge and os.getppid() != self._judge:
                # Locust's own shutdown waits for workers that may never come. The process group is ours alone.
                os.killpg(0, signal.SIGKILL)
            runner = self._environment.runner
            if runner is None:
                return
            if not told and stop.exists():
                told = True
                runner.send_message(STOP, {})
            lost = len(runner.clients.missing) if isinstance(runner, MasterRunner) else 0
            if lost and len(self._finished) + lost >= self._lanes:
                self._quit()
                return

    def _on_report(self, environment: Environment, msg: Any, **_: Any) -> None:
        value = msg.data
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n")
        if "account" in value:
            self._finished.add(int(value["account"]["lane"]))
        if "note" in value:
            self._failed = True
        if self._failed or len(self._finished) >= self._lanes:
            gevent.spawn_later(0.2, self._quit)

    def _quit(self) -> None:
        runner = self._environment.runner
        if runner is not None:
            runner.quit()
