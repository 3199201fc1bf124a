"""The example repositories for other languages, run as their teams run them: npm, PHPUnit."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from harness import chromium
from tests.real.applications import HERE as REAL
from tests.real.applications import installed, npm_packages

_ROOT = Path(__file__).parents[2]
_AUTOLOAD = """<?php // in place of Composer's: Debian's packages are found by the include path
require_once 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    foreach (['App\\\\' => 'src', 'Tests\\\\' => 'tests'] as $prefix => $folder) {
        $file = dirname(__DIR__)."/$folder/".str_replace('\\\\', '/', substr($class, strlen($prefix))).'.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
        }
    }
});
"""


def _copy(name: str, target: Path) -> Path:
    ignored = shutil.ignore_patterns("node_modules", "vendor", "test-results")
    return Path(shutil.copytree(_ROOT / "examples" / name, target / name, ignore=ignored))


def _passes(command: Sequence[str | Path], folder: Path, further: Mapping[str, str] | None = None) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(_ROOT), "NO_COLOR": "1", **(further or {})}
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_repository_with_phpunit_passes(tmp_path: Path) -> None:
    target = installed("hi.events")
    folder = _copy("phpunit", tmp_path)
    (folder / "vendor").mkdir()
    (folder / "vendor/autoload.php").write_text(_AUTOLOAD, "utf-8")
    said = _passes([REAL / "debian-php", target, target / "root/usr/bin/phpunit", "--colors=never"], folder)
    assert "OK (4 tests" in said


@pytest.mark.slow
def test_the_repository_with_vitest_and_playwright_passes(tmp_path: Path) -> None:
    browser = chromium.executable()
    if browser is None:
        pytest.skip("no browser (Debian: chromium)")
    packages = npm_packages(_ROOT / "examples/vitest-playwright")
    folder = _copy("vitest-playwright", tmp_path)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    # Chromium has no sandbox for root, nor in most containers: the example switches it off where CI is set.
    said = _passes(["npm", "test"], folder, {"CHROMIUM": browser, "CI": "true"})
    assert "3 passed" in said
    assert "1 passed" in said.rpartition("Running 1 test")[2]
