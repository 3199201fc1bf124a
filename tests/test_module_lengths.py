"""No module of the production packages has more than 400 lines: a longer one holds more than one idea."""

from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("crossapp", "harness", "openapi", "contracts", "simulators", "scenarios", "load")
_MOST_LINES = 400


def test_no_module_is_too_long() -> None:
    modules = [file for package in _PACKAGES for file in (_ROOT / package).rglob("*.py")]
    lengths = {str(file.relative_to(_ROOT)): len(file.read_text("utf-8").splitlines()) for file in modules}
    too_long = {file: lines for file, lines in lengths.items() if lines > _MOST_LINES}
    assert too_long == {}
