"""The wheel: its only package is crossapp, and it works in the environment of a repository with packages of its own."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest
from uv import find_uv_bin

from hatch_build import MovedImportError, moved

_ROOT = Path(__file__).parents[1]
_MODULES = ("load", "load.run", "load.judge.catalogue")
_THEIR_TESTS = """
import harness
import respx
from contracts.terms import DAYS
from crossapp.mocks import mock_tuvens_api


def test_their_packages_are_theirs(pytestconfig):
    assert (DAYS, harness.NAME, pytestconfig.getoption("--deployment")) == (30, "theirs", "theirs")


def test_a_mock(respx_mock):
    with mock_tuvens_api(respx_mock, given="the organiser has a live session"):
        pass


def test_an_application(tuvens_api):
    assert tuvens_api.session("organiser")
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import load\n", "from crossapp import load\n"),
        ("import load as other\n", "from crossapp import load as other\n"),
        ("import load.run as other\n", "import crossapp.load.run as other\n"),
        ("from load.run import (\n    one,\n)\n", "from crossapp.load.run import (\n    one,\n)\n"),
        ("def f():\n    from load import run\n", "def f():\n    from crossapp.load import run\n"),
        ("from . import run\n", "from . import run\n"),
        ("import loading, json\n", "import loading, json\n"),
        ("at = 'load'\nname = f'load.{at}'\n", "at = 'load'\nname = f'load.{at}'\n"),
    ],
)
def test_imports_are_changed_and_nothing_else(source: str, expected: str) -> None:
    assert moved(source, _MODULES, "a.py") == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import json, load\n", "a.py:1: import one module"),
        ("\nimport load.run\n", "a.py:2: import one module"),
        ("commands = {'run': ('load.run:run', 'Run.')}\n", "a.py:1: 'load.run:run' names a module"),
        ("name = 'load.judge.catalogue'\n", "'load.judge.catalogue' names a module"),
        ("command = [python, '-m', 'load', '--json']\n", "'load' names a module"),
        ("start(python, '-m', 'load')\n", "'load' names a module"),
        ("resources.files('load')\n", "'load' names a module"),
    ],
)
def test_what_would_not_work_below_crossapp_fails_the_build(source: str, said: str) -> None:
    with pytest.raises(MovedImportError, match=said):
        moved(source, _MODULES, "a.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, at=_ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment in which the wheel is installed, beside the libraries of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    _done(find_uv_bin(), "pip", "install", "--offline", "--no-deps", "--python", python, wheel)
    site = next(folder.glob("lib/python*/site-packages"))
    # A folder named so is searched for packages; the file in it that leads to this checkout is not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return python.parent


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with packages and an option of the names that crossapp's have."""
    folder = tmp_path / "theirs"
    shutil.copytree(_ROOT / "examples" / "pytest", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for package in ("contracts", "load", "openapi", "scenarios", "simulators"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("", "utf-8")
    (folder / "contracts" / "terms.py").write_text("DAYS = 30\n", "utf-8")
    (folder / "harness.py").write_text("NAME = 'theirs'\n", "utf-8")
    (folder / "test_theirs.py").write_text(_THEIR_TESTS, "utf-8")
    return folder


def test_the_only_package_is_crossapp(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        points = next(name for name in names if name.endswith("/entry_points.txt"))
        said = archive.read(points).decode()
    assert {name.partition("/")[0] for name in names} == {"crossapp", points.partition("/")[0]}
    assert said.split() == ["[console_scripts]", "crossapp", "=", "crossapp.cli:main"]


def test_commands_fixtures_and_mocks_work_beside_packages_of_the_same_names(programs: Path, repository: Path) -> None:
    crossapp = programs / "crossapp"
    assert "crossapp " in _done(crossapp, "--version", at=repository)
    chosen = ("webhook.altered_body_is_refused", "pact.hi_events_validate_session_tells_whose_it_is")
    said = _done(crossapp, "verify", "--quick", "--json", *(f"--select={each}" for each in chosen), at=repository)
    lines = map(json.loads, said.splitlines())
    found = {each["requirement"]: each["verdict"] for each in lines if each["type"] == "finding"}
    assert {name: found.get(name) for name in chosen} == dict.fromkeys(chosen, "held")
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:locust", "-p", "no:schemathesis", "-p", "no:xdist")
    assert "7 passed" in _done(programs / "python", "-m", "pytest", *quiet, "--deployment", "theirs", at=repository)
    ours = ("-p", "crossapp.pytest_plugin", "--pyargs", "crossapp.scenarios", "--co", "-k", chosen[0])
    assert "::webhook.altered_body_is_refused" in _done(
        programs / "python", "-m", "pytest", *quiet, *ours, at=repository
    )


def test_the_simulators_start(programs: Path, repository: Path) -> None:
    with subprocess.Popen(
        [programs / "crossapp", "up", "--json", "--exit-with-stdin", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=repository,
        env=_environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin:
            url = json.loads(process.stdout.readline())["targets"]["tuvens-api"]["url"]
            assert httpx.get(f"{url}/api/events/11", trust_env=False).status_code == 200
    assert process.returncode == 0


def _done(*command: str | Path, at: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=at, env=_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    """This environment, without what would lead to this checkout."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
