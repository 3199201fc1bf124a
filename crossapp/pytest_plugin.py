"""Requirements as pytest items: `pytest scenarios --crossapp-deployment FILE -k altered_body`.

Collecting the folder `scenarios` gives an item for each requirement, named by its id; the folder `contracts` those of
the pacts. The stories of the selected items are driven once, before the first item runs; each item judges. So they are
refused in the worker processes of pytest-xdist, each of which would drive them, at the same events. Without
--crossapp-deployment the embedded simulators are verified. Users name the plugin (`-p crossapp.pytest_plugin`), as this
repository's conftest.py does. The rest of crossapp is imported only when such a folder is collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import contracts
import scenarios

if TYPE_CHECKING:
    from harness.report import Finding, Report
    from harness.requirement import Requirement

_PREFIXES = {
    Path(scenarios.__file__).resolve().with_name("catalogue.py"): "",
    Path(contracts.__file__).resolve().parent / "pacts" / "interactions.py": "pact.",
}
_IN_WORKERS = "crossapp: requirements are verified in one process: run pytest without -n (-n 0)"
_REPORTS = pytest.StashKey["dict[str, Finding]"]()
_CRASHES = pytest.StashKey["tuple[str, ...]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a run."""
    group = parser.getgroup("crossapp", "verification of a deployment by its contract")
    group.addoption("--crossapp-deployment", help="deployment file; without it the embedded simulators are verified")
    group.addoption("--crossapp-fault", action="append", default=[], help="arm a fault of the embedded simulators")
    group.addoption("--crossapp-patience", default="0", help="how long one expiry may be waited for, such as 16m")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect all requirements for the catalogue of stories, those of the pacts for their interactions."""
    prefix = _PREFIXES.get(file_path.resolve())
    if prefix is None:
        return None
    found: pytest.Collector = Requirements.from_parent(parent, path=file_path, prefix=prefix)
    return found


class Requirements(pytest.File):
    """The requirements whose id has a prefix."""

    def __init__(self, *, prefix: str, **others: object) -> None:
        super().__init__(**others)  # type: ignore[arg-type]  # pytest passes its own arguments through
        self._prefix = prefix

    def collect(self) -> Iterator[pytest.Item]:
        """One item a requirement."""
        from contracts.catalogue import catalogue

        if hasattr(self.config, "workerinput"):  # pytest-xdist's mark of a worker
            raise self.CollectError(_IN_WORKERS)
        for requirement in catalogue():
            if not requirement.id.startswith(self._prefix):
                continue
            yield RequirementItem.from_parent(self, name=requirement.id, requirement=requirement)


class RequirementItem(pytest.Item):
    """A requirement. It fails if a MUST is violated, inconclusive, or a fault of the harness; it is skipped if blocked,
    not applicable or waived; a violated SHOULD warns."""

    def __init__(self, *, requirement: Requirement, **others: object) -> None:
        super().__init__(**others)  # type: ignore[arg-type]  # pytest passes its own arguments through
        self.requirement = requirement
        self.extra_keyword_matches.update((requirement.level, *requirement.settles))

    def runtest(self) -> None:
        """Judge; the first item drives the stories."""
        finding = _findings(self.session)[self.requirement.id]
        match finding.verdict.value:
            case "held":
                return
            case "violated" if finding.level == "MUST":
                raise RequirementError(finding)
            case "violated":
                self.warn(pytest.PytestWarning(f"{finding.requirement}: {finding.expected}; {finding.observed}"))
            case "blocked" if finding.blocked_by in {each.name for each in self.session.items}:
                pytest.skip(f"blocked by {finding.blocked_by}")
            case "not_applicable" | "waived":
                pytest.skip(f"{finding.verdict}: {finding.reason}")
            case _:
                raise RequirementError(finding)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """A finding in a few lines, without a traceback."""
        error = excinfo.value
        return str(error) if isinstance(error, RequirementError) else str(excinfo.getrepr(style="short"))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The location that pytest shows."""
        return self.path, 0, self.requirement.id


class RequirementError(Exception):
    """A requirement that does not hold, as text."""

    def __init__(self, finding: Finding) -> None:
        from harness.render.words import rule

        lines = [f"{finding.verdict}: {rule(finding)}"]
        for label, text in (
            ("expected", finding.expected),
            ("observed", finding.observed),
            ("reason", finding.reason),
            ("blocked by", finding.blocked_by),
            ("source", f"{finding.source.section}: {finding.source.quote}"),
            ("reproduce", finding.reproduce),
            ("next", finding.next),
        ):
            if text:
                lines.append(f"  {label}: {text}")
        super().__init__("\n".join(lines))


def _findings(session: pytest.Session) -> dict[str, Finding]:
    if _REPORTS not in session.stash:
        chosen = tuple(item.name for item in session.items if isinstance(item, RequirementItem))
        found = _verify(session.config, chosen)
        session.stash[_REPORTS] = {each.requirement: each for each in found.findings}
        session.config.stash[_CRASHES] = found.footer.crashes
    return session.stash[_REPORTS]


def _verify(config: pytest.Config, chosen: tuple[str, ...]) -> Report:
    from contextlib import ExitStack

    from crossapp.deployments import deployed, journal_of
    from crossapp.embedded import EmbeddedError
    from crossapp.run import Settings, StoppedRunError, perform, report_of
    from harness.deployment import DeploymentError
    from harness.durations import seconds
    from harness.stopping import run as run_stoppable

    file = config.getoption("--crossapp-deployment")
    try:
        patience = seconds(config.getoption("--crossapp-patience"))
        settings = Settings(select=chosen, patience=patience, command=("pytest",))
        with deployed(Path(file) if file else None, faults=config.getoption("--crossapp-fault")) as deployment:
            journal = journal_of(Path(file) if file else None, deployment)
            with ExitStack() as stack:
                if journal is not None:
                    stack.callback(journal.close)
                return report_of(run_stoppable(perform(deployment, settings, journal=journal)), settings)
    except StoppedRunError:
        raise KeyboardInterrupt from None
    except (DeploymentError, EmbeddedError, ValueError) as error:
        pytest.exit(f"crossapp: {error}", returncode=64)


class _Refusal:
    """Ends the run with 64 if a worker refused to collect requirements."""

    def __init__(self) -> None:
        self._refused = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a refusal, which pytest-xdist hands on from the worker."""
        self._refused = self._refused or _IN_WORKERS in str(report.longrepr)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Set the exit code."""
        if self._refused:
            session.exitstatus = 64


def pytest_configure(config: pytest.Config) -> None:
    """Watch for refusals."""
    config.pluginmanager.register(_Refusal())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Exit with 4 if nothing was judged, with 3 if a story crashed."""
    findings = session.stash.get(_REPORTS, None)
    if findings is None or session.exitstatus != pytest.ExitCode.OK:
        return
    ran = {item.name for item in session.items if isinstance(item, RequirementItem)}
    if not any(findings[name].verdict.value in ("held", "violated", "waived") for name in ran if name in findings):
        session.exitstatus = 4
    elif session.config.stash[_CRASHES]:
        session.exitstatus = 3


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the stories that crashed; no item need fail because of one."""
    crashes = config.stash.get(_CRASHES, ())
    if crashes:
        from harness.render.words import CRASHES

        terminalreporter.section(CRASHES)
        for crash in crashes:
            terminalreporter.line(crash)
