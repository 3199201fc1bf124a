"""Verify correct simulators again and again, on a calm machine and under trouble (`tox -e steadiness`).

Says which verdicts differ from those of the first, calm run, and where a story crashed. On a calm machine none may
differ. Under trouble a verdict may become inconclusive, or blocked by one that is; nothing may be violated.

    tox -e steadiness -- --times 20 --select 'browser.*'
    tox -e steadiness -- --mode resets --mode jitter --as staging
    tox -e steadiness -- --all

`embedded` is the deployment of `crossapp verify` without a file, `staging` the same applications described as a
staging: without control planes, database access or the key that signs JWTs. `idiomatic`, which is run only if it is
named, are the idiomatic applications of tests/real, of which their lists say what is violated; an application that
crossapp itself starts is not behind the trouble.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openapi
from crossapp.deployments import deployed
from crossapp.embedded import embedded
from crossapp.run import Settings, perform, report_of
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.report import Report
from harness.verdict import VerdictName
from simulators.launch import APPS, CLIENT_ORIGIN
from tests.real.applications import present
from tests.real.deployments import Setting, deployment
from tests.real.verifying import listed
from tests.troubles import Network, TroubledProxy, hogs, proxies

DEPLOYMENTS = ("embedded", "staging")
IDIOMATIC = "idiomatic"
_FREE_PORTS = [part for app in APPS for part in ("--port", f"{app}=0")]
_ACCUSES_NOBODY = (VerdictName.HELD, VerdictName.INCONCLUSIVE, VerdictName.BLOCKED, VerdictName.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Mode:
    """What goes on beside a run. `hogs`: processes that take the processor; `expiry`: seconds until sessions expire."""

    what: str
    network: Network | None = None
    hogs: int = 0
    expiry: int | None = None


MODES: Mapping[str, Mode] = {
    "calm": Mode("nothing goes on beside it"),
    "hogs": Mode("two processes take all of the processor that they get", hogs=2),
    "short-sessions": Mode("sessions expire after five seconds", expiry=5),
    "resets": Mode("2 % of all requests lose their connection by a reset", Network(resets=0.02)),
    "jitter": Mode("each part of an answer is up to 300 ms late", Network(jitter=0.3)),
    "idle": Mode("connections are closed after a fifth of a second without a request", Network(idle=0.2)),
}


@contextmanager
def deployment_of(kind: str, mode: Mode) -> Iterator[Deployment]:
    """Correct applications as a deployment of this kind, with the mode's trouble before and beside them."""
    with ExitStack() as stack:
        fronts = stack.enter_context(proxies(mode.network, APPS)) if mode.network is not None else {}
        if kind == IDIOMATIC:
            described = _real_applications(stack, mode, fronts)
        else:
            described = _simulators(stack, kind, mode, fronts)
        stack.enter_context(hogs(mode.hogs))
        yield described
        troubles = sum(each.troubles for each in fronts.values())
        if troubles:
            print(f"  {troubles} connections were reset or closed")


def _real_applications(stack: ExitStack, mode: Mode, fronts: Mapping[str, TroubledProxy]) -> Deployment:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    setting = Setting() if mode.expiry is None else Setting(session_expiry=mode.expiry)
    return stack.enter_context(deployed(stack.enter_context(deployment(present(), folder, setting, fronts))))


def _simulators(stack: ExitStack, kind: str, mode: Mode, fronts: Mapping[str, TroubledProxy]) -> Deployment:
    arguments = [*_FREE_PORTS, "--limits", "raised", "--origin", CLIENT_ORIGIN]
    if kind == "staging":
        arguments.append("--no-control")
    if fronts:
        arguments += ["--origin", fronts["tuvens-client"].url, "--hi-events", fronts["hi.events"].url]
    environment = {} if mode.expiry is None else {"CROSS_APP_SESSION_EXPIRY": str(mode.expiry)}
    described = stack.enter_context(embedded(arguments, environment))
    for app, front in fronts.items():
        _put_before(described["targets"][app], front.url)
        front.target = described["targets"][app].pop("behind")
    if kind == "staging":
        _as_staging(described)
    return build_deployment(described, apps=openapi.APPS, editions=(openapi.EDITION,))


def _put_before(target: dict[str, Any], url: str) -> None:
    target["behind"] = target["url"]
    for field in ("url", "api_url"):
        if field in target:
            target[field] = url + target[field].removeprefix(target["behind"])


def _as_staging(described: dict[str, Any]) -> None:
    for target in described["targets"].values():
        target["kind"] = "staging"
        for field in ("database", "audit_table", "control"):
            target.pop(field, None)
    described["credentials"].pop("jwt_secret", None)


def verified(kind: str, mode: Mode, settings: Settings) -> Report:
    """The report of one run."""
    with deployment_of(kind, mode) as deployment:
        return report_of(asyncio.run(perform(deployment, settings)), settings)


def wrong(report: Report, first: Mapping[str, str], *, calm: bool, listed: Container[str] = ()) -> list[str]:
    """What may not be: verdicts that differ on a calm machine; under trouble those that are more than a lack of
    knowledge; crashes anywhere, and violations of what is not `listed`."""
    problems = list(report.footer.crashes)
    for each in report.findings:
        differs = first.get(each.requirement, str(each.verdict)) != str(each.verdict)
        accused = each.verdict is VerdictName.VIOLATED and each.requirement not in listed
        if accused or (differs and (calm or each.verdict not in _ACCUSES_NOBODY)):
            said = each.observed or each.reason
            was = first.get(each.requirement, "new")
            problems.append(f"WRONG {each.requirement}: {was}, now {each.verdict}: {said}"[:300])
    return problems


def changed(report: Report, first: Mapping[str, str]) -> list[str]:
    """The verdicts that differ from those of the first run, together where they have one reason."""
    together: dict[str, list[str]] = {}
    for each in report.findings:
        before = first.get(each.requirement, str(each.verdict))
        if before != str(each.verdict):
            together.setdefault(f"{before}, now {each.verdict}: {each.reason}"[:240], []).append(each.requirement)
    return [f"{', '.join(names[:3])}{_others(len(names) - 3)}: {reason}" for reason, names in together.items()]


def _others(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def steady(kind: str, modes: Sequence[str], times: int, settings: Settings) -> int:
    """Verify a deployment `times` times in each mode, after a calm run; returns how many runs were wrong."""
    first: dict[str, str] = {}
    unsteady = 0
    advice = {each for app in present() for each in listed(app, "idiomatic.tsv")} if kind == IDIOMATIC else ()
    for name in dict.fromkeys(("calm", *modes)):
        for number in range(1, (times if name in modes else 1) + 1):
            report = verified(kind, MODES[name], settings)
            first = first or {each.requirement: str(each.verdict) for each in report.findings}
            problems = wrong(report, first, calm=name == "calm", listed=advice)
            unsteady += bool(problems)
            counted = ", ".join(f"{count} {verdict}" for verdict, count in report.footer.verdicts.items())
            print(
                f"{kind}, {name}, run {number}: {counted}", *problems, *changed(report, first), sep="\n  ", flush=True
            )
    return unsteady


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where all runs were as they may be, else 1."""
    parser = argparse.ArgumentParser("tests.steadiness", description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=1, help="runs of each mode (1)")
    parser.add_argument("--mode", action="append", choices=MODES, help="what goes on beside it (calm); repeatable")
    parser.add_argument("--all", action="store_true", help="all modes")
    parser.add_argument(
        "--as", action="append", choices=(*DEPLOYMENTS, IDIOMATIC), dest="kinds", help="embedded and staging"
    )
    parser.add_argument("--select", action="append", default=[], help="requirements, as crossapp verify takes them")
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    modes = list(MODES) if given.all else given.mode or ["calm"]
    settings = Settings(select=tuple(given.select), without=tuple(given.without), quick=given.quick)
    unsteady = sum(steady(kind, modes, given.times, settings) for kind in given.kinds or DEPLOYMENTS)
    print("all runs were as they may be" if not unsteady else f"{unsteady} runs were wrong")
    return 1 if unsteady else 0


if __name__ == "__main__":
    sys.exit(main())
