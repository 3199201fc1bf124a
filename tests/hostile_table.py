"""`python -m tests.hostile_table`: what each hostile server costs a verification, as the whole tuvens-api and at one of
its routes. Prints a page in Markdown; exit code 1 if one costs more than it may."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import openapi
from crossapp.embedded import embedded
from tests.harness.hostile import HOSTILE, Behind, in_thread

OPERATION = "listUserAccounts"
MOST_SECONDS, MOST_MIB, MOST_CHANGED = 300.0, 400, 30
_COMMAND = [sys.executable, "-c", "from crossapp.cli import main; main()", "verify", "--quick", "--go-on", "--json"]
_WITHOUT = [part for each in ("browser", "fuzzing", "rate_limits", "pact") for part in ("--without", f"{each}.*")]


HEAD = """# What hostile servers cost

Made by `tox -e hostile`; do not edit. {servers} servers that behave badly on purpose, each instead of the whole
tuvens-api (all) and of one of its routes ({path}). One run of `crossapp verify --quick --go-on` each,
without browser, fuzzing, rate limits and pacts, with `seconds = 5` and `minutes = 3`; memory is that of its largest
process. If nothing can be read from a server, few requirements are undecided, and they block those that depend on
them. A hostile route changes only the verdicts about that route, and those about all routes together.

| server | where | exit code | s | MiB | verdicts that differ from a clean run |
|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a verification cost, and its verdicts by requirement."""

    code: int
    seconds: float
    mib: int
    verdicts: Mapping[str, str]

    def changed(self, clean: "Cost") -> Counter[str]:
        """How many requirements have another verdict than in a clean run, by the new one."""
        return Counter(each for name, each in self.verdicts.items() if each != clean.verdicts.get(name))


def verified(description: Mapping[str, Any], url: str) -> Cost:
    """A verification of the described simulators, with tuvens-api at another URL."""
    targets = {**description["targets"], "tuvens-api": {**description["targets"]["tuvens-api"], "url": url}}
    file = {**description, "targets": targets, "safety": {"seconds": 5.0, "minutes": 3.0, "change_events": True}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deployment.json"
        path.write_text(json.dumps(file), "utf-8")
        began = time.monotonic()
        with (Path(folder) / "report.jsonl").open("w+", encoding="utf-8") as output:
            child = subprocess.Popen([*_COMMAND, *_WITHOUT, "-d", str(path)], stdout=output, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            lines = [json.loads(line) for line in output]
    found = {each["requirement"]: each["verdict"] for each in lines if each["type"] == "finding"}
    return Cost(child.returncode, time.monotonic() - began, usage.ru_maxrss // 1024, found)


def _row(name: str, where: str, cost: Cost, clean: Cost) -> tuple[str, bool]:
    changed = cost.changed(clean)
    words = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in sorted(changed.items())) or "none"
    within = cost.seconds < MOST_SECONDS and cost.mib < MOST_MIB
    within = within and (where == "all" or changed.total() < MOST_CHANGED)
    return f"| {name} | {where} | {cost.code} | {cost.seconds:.0f} | {cost.mib} | {words} |", within


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["*"], help="names of servers, or patterns")
    chosen = [each for each in HOSTILE if any(fnmatchcase(each, name) for name in parser.parse_args().names)]
    path, good = openapi.find(OPERATION).path, True
    print(HEAD.format(servers=len(chosen), path=path))
    loads: list[float] = []
    for name in ("", *chosen):
        for where in ("all", "route") if name else ("none",):
            arguments = [
                part for app in ("tuvens-api", "hi.events", "tuvens-client") for part in ("--port", f"{app}=0")
            ]
            with embedded([*arguments, "--limits", "raised"]) as description:
                honest = description["targets"]["tuvens-api"]["url"]
                behind = Behind(honest, path) if where == "route" else None
                with in_thread(HOSTILE[name], behind) if name else nullcontext(honest) as url:
                    loads.append(os.getloadavg()[0])
                    cost = verified(description, url)
            if not name:
                clean = cost
            row, within = _row(name or "none: a clean run", where, cost, clean)
            good = good and within
            print(row, flush=True)
    print(_machine(loads))
    return 0 if good else 1


def _machine(loads: Sequence[float]) -> str:
    return f"\nMeasured with {os.cpu_count()} processors and a load average of {min(loads):.0f} to {max(loads):.0f}."


if __name__ == "__main__":
    sys.exit(main())
