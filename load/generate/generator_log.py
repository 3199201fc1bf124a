"""The file that a generator writes while it runs, and what is made of it. JSON lines, each of one lane's reports.

A line: `lane`; `samples` (rows), `pulses` (rows), and in a lane's last report `account`, `reasons` and `exchanges`
(lines of a history, cleaned of secrets). A line with `note` says what befell the run.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.history import Context, Exchange
from harness.saved_history import read_history
from load.generate.accounting import Account
from load.generate.health import Pulse
from load.generate.samples import Sample


@dataclass(slots=True)
class Record:
    """What the lanes reported so far. `reasons`: by measure, what was wrong with answers and how often."""

    samples: list[Sample] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    accounts: dict[int, Account] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, value: Mapping[str, Any]) -> None:
        """Take in one report."""
        if "note" in value:
            self.notes.append(str(value["note"]))
        self.samples += [Sample.from_row(row) for row in value.get("samples", ())]
        self.pulses += [Pulse.from_row(row) for row in value.get("pulses", ())]
        if "account" in value:
            account = Account.from_json(value["account"])
            self.accounts[account.lane] = account
        for measure, reasons in value.get("reasons", {}).items():
            self.reasons.setdefault(measure, Counter()).update(reasons)
        lines = value.get("exchanges", ())
        if lines:
            self.exchanges += [each for each in read_history(lines).entries if isinstance(each, Exchange)]


def read_record(lines: Iterable[str]) -> Record:
    """Read what was written so far; a last line that ends in the middle is left for later."""
    record = Record()
    for line in lines:
        if line.endswith("\n") and line.strip():
            record.add(json.loads(line))
    return record


NO_CONTEXT = Context("load", "", {}, frozenset())
