"""Verify the embedded simulators again and again; say where verdicts differ or a story crashed (`tox -e steadiness`).

How often, then what is selected: `tox -e steadiness -- 20 'browser.*'`.
"""

import asyncio
import sys

from crossapp.deployments import deployed
from crossapp.run import Settings, perform, report_of


def main(times: int, select: tuple[str, ...]) -> int:
    """Exit code 0 where all runs gave the same verdicts and none crashed, else 1."""
    first: dict[str, str] = {}
    differing = 0
    for number in range(1, times + 1):
        settings = Settings(select=select)
        with deployed(None) as deployment:
            report = report_of(asyncio.run(perform(deployment, settings)), settings)
        verdicts = {each.requirement: str(each.verdict) for each in report.findings}
        first = first or verdicts
        changed = [f"{name}: {first[name]}, now {verdicts[name]}" for name in first if first[name] != verdicts[name]]
        changed += report.footer.crashes
        differing += bool(changed)
        print(f"run {number} of {times}: {dict(report.footer.verdicts)}", *changed, sep="\n  ", flush=True)
    print(f"{times - differing} of {times} runs gave the same verdicts")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, tuple(sys.argv[2:])))
