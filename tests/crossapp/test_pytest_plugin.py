"""Requirements as pytest items: what passes, fails, warns and is skipped, and that a mistake ends in clear words."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from contracts.catalogue import catalogue
from crossapp import pytest_plugin
from harness.report import Finding
from harness.verdict import VerdictName
from simulators.launch import LaunchOptions
from tests.launching import launched

pytest_plugins = ("pytester",)

_STORIES = Path(__file__).parents[2] / "scenarios"
MUST, SHOULD = "cors.other_origins_are_not_admitted", "transport.old_tls_is_refused"


def finding(requirement: str, verdict: str, **said: Any) -> Finding:
    """A finding about a requirement of the catalogue."""
    rule = catalogue()[requirement]
    found = Finding(
        requirement=rule.id,
        statement=rule.statement,
        level=rule.level,
        obliged=rule.obliged,
        verdict=VerdictName(verdict),
        claims=rule.settles,
        source=rule.source,
    )
    return replace(found, **said)


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """Modules that a pytest run within a pytest run imports are forgotten at its end, unless they were there before."""
    for name in ("crossapp.run", "crossapp.deployments"):
        importlib.import_module(name)
    catalogue()


class Inner:
    """A pytest run over a folder of stories, in which a verification finds what was prepared."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.chosen: list[tuple[str, ...]] = []
        self._monkeypatch = monkeypatch
        pytester.makeini("[pytest]\n")

    def run(self, *findings: Finding, select: str = "", crashes: tuple[str, ...] = ()) -> pytest.RunResult:
        """Judge the requirements of the findings, or those that the words select."""

        def verify(config: pytest.Config, chosen: tuple[str, ...]) -> object:
            self.chosen.append(chosen)
            return SimpleNamespace(findings=list(findings), footer=SimpleNamespace(crashes=crashes))

        self._monkeypatch.setattr(pytest_plugin, "_verify", verify)
        # The warnings of the run that we are in are errors.
        words = select or " or ".join(each.requirement for each in findings)
        return self.start("-k", words, "-rA", "-W", "always")

    def start(self, *arguments: str) -> pytest.RunResult:
        """Run over the folder."""
        quiet = (
            "-p",
            "no:cacheprovider",
            "-p",
            "no:locust",
            "-p",
            "no:schemathesis",
            "-p",
            "no:xdist",
            "-p",
            "no:anyio",
            "-p",
            "no:pact",
        )
        return self.pytester.runpytest_inprocess(str(_STORIES), "-c", "tox.ini", *quiet, *arguments)


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Inner:
    return Inner(pytester, monkeypatch)


def test_every_requirement_is_an_item_and_only_the_chosen_ones_are_verified(inner: Inner) -> None:
    listed = inner.start("--collect-only", "-q").outlines
    assert [line.partition("::")[2] for line in listed if "::" in line] == [each.id for each in catalogue()]
    done = inner.run(finding(MUST, "held"), finding(SHOULD, "held"), select="other_origins or old_tls")
    done.assert_outcomes(passed=2, deselected=len(catalogue()) - 2)
    assert sorted(inner.chosen[0]) == sorted([MUST, SHOULD])
    assert len(inner.chosen) == 1
    assert done.ret == 0


def test_claims_seams_and_levels_select_too(inner: Inner) -> None:
    listed = inner.start("--collect-only", "-q", "-k", "C-TA-28 and cors and MUST").outlines
    assert [line.partition("::")[2] for line in listed if "::" in line] == [
        each.id for each in catalogue() if each.id.startswith("cors.")
    ]


def test_each_verdict_has_its_outcome_and_what_fails_shows_the_finding_without_a_traceback(inner: Inner) -> None:
    broken = {"expected": "no wildcard", "observed": "a wildcard", "reproduce": "curl -i x", "next": "Mend it."}
    root, lost = "routes.updateEvent", "routes.getEvent"
    done = inner.run(
        finding(MUST, "violated", **broken),
        finding(SHOULD, "violated", expected="TLS 1.2 or newer", observed="accepts TLSv1"),
        finding(root, "violated", expected="it is served", observed="a router's 404"),
        finding("tuvens_event.the_callback_is_noted", "blocked", blocked_by=root),
        finding("tuvens_event.an_event_is_read", "blocked", blocked_by=lost, reason="nobody answers"),
        finding("cors.right_origins_are_admitted", "held"),
        finding("secrecy.no_answer_holds_a_secret", "not_applicable", reason="no capability"),
        finding("secrecy.no_answer_holds_a_stack_trace", "waived", reason="known"),
        finding("webhook.live_gives_active", "inconclusive", reason="no answer came"),
        finding("webhook.draft_gives_setup", "harness_fault", reason="a judge crashed"),
    )
    outcomes = {
        line.split("::")[1].split(" ")[0]: line.split(" ")[0]
        for line in done.outlines
        if line.startswith(("PASSED", "FAILED")) and "::" in line
    }
    assert outcomes == {
        MUST: "FAILED",
        SHOULD: "PASSED",
        root: "FAILED",
        "tuvens_event.an_event_is_read": "FAILED",
        "cors.right_origins_are_admitted": "PASSED",
        "webhook.live_gives_active": "FAILED",
        "webhook.draft_gives_setup": "FAILED",
    }
    done.assert_outcomes(passed=2, failed=5, skipped=3, warnings=1, deselected=len(catalogue()) - 10)
    text = done.stdout.str()
    for words in (
        f"violated: Required: {catalogue()[MUST].statement}",
        "expected: no wildcard",
        "observed: a wildcard",
        "reproduce: curl -i x",
        "next: Mend it.",
        "source: CORS: No other origin is admitted",
        f"PytestWarning: {SHOULD}: TLS 1.2 or newer; accepts TLSv1",
        f"blocked by {root}",
        f"blocked by: {lost}",
        "not_applicable: no capability",
        "waived: known",
        "reason: no answer came",
        "harness_fault: ",
    ):
        assert words in text
    assert "Traceback" not in text
    assert done.ret == 1


def test_a_run_that_judged_nothing_exits_with_4(inner: Inner) -> None:
    done = inner.run(finding(MUST, "not_applicable", reason="no cors here"))
    done.assert_outcomes(skipped=1, deselected=len(catalogue()) - 1)
    assert done.ret == 4


def test_a_story_that_crashed_is_named_and_exits_with_3(inner: Inner) -> None:
    done = inner.run(finding(MUST, "held"), crashes=("a_story: KeyError: 'x' (a_story.py, line 3)",))
    done.stdout.fnmatch_lines(["*Stories that crashed*", "a_story: KeyError: 'x' (a_story.py, line 3)"])
    assert done.ret == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--crossapp-deployment", "missing.toml"), "missing.toml*cannot be read"),
        (("--crossapp-deployment", "bad.toml"), "targets.tuvens-api.url: *is not a base URL"),
        (("--crossapp-patience", "soon"), "soon*is not a duration such as 16m"),
    ],
)
def test_a_mistake_ends_in_one_clear_line_and_exit_code_64(arguments: tuple[str, str], said: str, inner: Inner) -> None:
    value = {"targets": {"tuvens-api": {"url": "api.example.com"}, "hi.events": {"url": "http://127.0.0.1:9"}}}
    lines = "\n".join(f'[targets."{app}"]\nurl = {json.dumps(each["url"])}' for app, each in value["targets"].items())
    (inner.pytester.path / "bad.toml").write_text(lines, "utf-8")
    done = inner.start("-k", "other_origins", *arguments)
    done.stdout.fnmatch_lines([f"*crossapp: *{said}*"])
    assert "Traceback" not in done.stdout.str() + done.stderr.str()
    assert done.ret == 64


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deployment file of simulators that were started on free ports, without a control plane."""
    with launched(LaunchOptions(limits="raised", control=False)) as built:
        described = built.description()
        lines = [f"credentials.shared_secret = {json.dumps(described['credentials']['shared_secret'])}"]
        for app, target in described["targets"].items():
            lines.append(f'targets."{app}" = {{ url = {json.dumps(target["url"])}, kind = "local" }}')
        lines.append(f"events.tuvens = {json.dumps(described['events']['tuvens'])}")
        for user in described["users"]:
            fields = {name: user[name] for name in ("role", "account_id", "jwt") if name in user}
            lines += ["[[users]]", *(f"{name} = {json.dumps(each)}" for name, each in fields.items())]
        path = tmp_path_factory.mktemp("deployment") / "local.toml"
        path.write_text("\n".join(lines), "utf-8")
        yield path


def test_a_deployment_is_verified_and_junit_names_the_requirement(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.xml"
    arguments = ["--crossapp-deployment", str(file), "-k", "altered_body", "--junit-xml", str(out)]
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:locust", "-p", "no:schemathesis"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(_STORIES), *quiet, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    suite = ElementTree.parse(out).getroot().find("testsuite")
    assert suite is not None
    assert [each.get("name") for each in suite.iter("testcase")] == ["webhook.altered_body_is_refused"]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "1",
        "failures": "0",
        "errors": "0",
        "skipped": "0",
    }


def test_a_folder_of_the_same_name_elsewhere_is_none_of_ours(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("scenarios")
    for name in ("catalogue.py", "cast.py"):
        (folder / name).write_text("x = 1\n", "utf-8")
    done = pytester.runpytest_inprocess("scenarios", "-p", "no:cacheprovider", "--collect-only", "-q")
    assert done.ret is pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_project_may_have_options_and_folders_of_the_same_names(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            for name in ("--deployment", "--fault", "--patience"):
                parser.addoption(name, default="theirs")
        """
    )
    folder = pytester.mkpydir("contracts")
    (folder / "terms.py").write_text("DAYS = 30\n", "utf-8")
    (folder / "test_terms.py").write_text(
        "from contracts.terms import DAYS\n\n"
        "def test_terms(pytestconfig):\n"
        "    given = [pytestconfig.getoption(name) for name in ('--deployment', '--fault', '--patience')]\n"
        "    assert (DAYS, given) == (30, ['ours', 'theirs', 'theirs'])\n",
        "utf-8",
    )
    done = pytester.runpytest_subprocess("contracts", "--deployment", "ours", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=1)


@pytest.mark.parametrize("folder", [_STORIES, _STORIES.parent / "contracts"])
def test_worker_processes_are_refused(folder: Path, tmp_path: Path) -> None:
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:locust", "-p", "no:schemathesis"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(folder), *quiet, "-n", "1", "-k", "altered_body"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 64, done.stdout + done.stderr
    assert "requirements are verified in one process: run pytest without -n (-n 0)" in done.stdout
    assert "Traceback" not in done.stdout
