"""Generators of typed clients accept the documents, and what they make can be used."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import openapi
from crossapp.commands.openapi import openapi as command
from crossapp.pytest_simulators import App, Stack, crossapp_reset, crossapp_stack, tuvens_api
from tests.real.applications import HERE as REAL
from tests.real.applications import installed, npm_packages

__all__ = ["crossapp_reset", "crossapp_stack", "tuvens_api"]

_HERE = Path(__file__).parent


def _document(app: str) -> str:
    program = typer.Typer(add_completion=False)
    program.command()(command)
    result = CliRunner().invoke(program, [app])
    assert result.exit_code == 0, result.output
    return result.stdout


def _passes(command: Sequence[str | Path], folder: Path, further: Mapping[str, str] | None = None) -> str:
    environment = {**os.environ, **(further or {})}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("app", openapi.APPS)
def test_a_document_is_printed_in_one_piece(app: str) -> None:
    assert json.loads(_document(app)) == openapi.load(app).bundled()


@pytest.mark.slow
def test_types_by_openapi_typescript_find_wrong_uses(tmp_path: Path) -> None:
    packages = npm_packages(_HERE.parent / "npm") / "node_modules"
    (tmp_path / "node_modules").symlink_to(packages)
    for app in openapi.APPS:
        (tmp_path / f"{app}.json").write_text(_document(app), "utf-8")
        generator = packages / ".bin/openapi-typescript"
        _passes([generator, f"{app}.json", "--output", f"{app}.d.ts"], tmp_path)
    shutil.copy(_HERE / "use.ts", tmp_path)
    options = ["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler"]
    _passes([packages / ".bin/tsc", *options, "use.ts"], tmp_path)


@pytest.mark.slow
def test_a_php_client_by_openapi_generator_reads_a_session(
    tmp_path: Path, tuvens_api: App, crossapp_stack: Stack
) -> None:
    found = find_spec("openapi_generator_cli")
    if found is None or found.origin is None or shutil.which("java") is None:
        pytest.skip("not installed: openapi-generator-cli (PyPI), java (Debian: default-jre-headless)")
    (tmp_path / "tuvens-api.json").write_text(_document("tuvens-api"), "utf-8")
    jar = Path(found.origin).with_name("openapi-generator.jar")
    wanted = ["--skip-validate-spec", "--name-mappings", "hiEventsEventId=legacyHiEventsEventId"]
    named = ["--additional-properties", "invokerPackage=TuvensApi"]
    generate: list[str | Path] = ["java", "-jar", jar, "generate", "-g", "php"]
    _passes([*generate, "-i", "tuvens-api.json", "-o", "client", *wanted, *named], tmp_path)
    said = _passes(
        [REAL / "debian-php", installed("hi.events"), _HERE / "client.php"],
        tmp_path / "client",
        {
            "TUVENS_API_URL": tuvens_api.url,
            "HI_EVENTS_SHARED_SECRET": crossapp_stack.shared_secret,
            "SESSION_TOKEN": tuvens_api.session("organiser"),
        },
    )
    assert said == "organiser@example.com\n"
