"""The log that the generator writes while it runs: JSON lines, one for each report of a lane.

A report has `lane`, `samples` and `pulses` (rows); the last report of a lane also `account`, `reasons` and `exchanges`
(lines of a history, redacted). A `note` says why a lane sends nothing.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.history import Exchange
from harness.saved_history import read_history
from load.generate.health import Pulse
from load.generate.lane_tally import LaneTally
from load.generate.samples import Sample


@dataclass(slots=True)
class GeneratorLog:
    """The reports of all lanes so far. `reasons` counts by measure what was wrong with answers."""

    samples: list[Sample] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    tallies: dict[int, LaneTally] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, value: Mapping[str, Any]) -> None:
        """Add a report."""
        if "note" in value:
            self.notes.append(str(value["note"]))
        self.samples += [Sample.from_row(row) for row in value.get("samples", ())]
        self.pulses += [Pulse.from_row(row) for row in value.get("pulses", ())]
        if "account" in value:
            tally = LaneTally.from_json(value["account"])
            self.tallies[tally.lane] = tally
        for measure, reasons in value.get("reasons", {}).items():
            self.reasons.setdefault(measure, Counter()).update(reasons)
        lines = value.get("exchanges", ())
        if lines:
            self.exchanges += [each for each in read_history(lines).entries if isinstance(each, Exchange)]


def read_log(lines: Iterable[str]) -> GeneratorLog:
    """Read the lines written so far; an incomplete last line is skipped."""
    log = GeneratorLog()
    for line in lines:
        if line.endswith("\n") and line.strip():
            log.add(json.loads(line))
    return log
