"""Makes the README's sample of a terminal report and docs/report.png anew: `python -m tests.pictures [FOLDER]`.

FOLDER: the report of a run of `crossapp verify --fault routes-missing`; without it, one is made.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from harness.chromium import executable

_ROOT = Path(__file__).parents[1]
_CROSSAPP = [sys.executable, "-c", "import sys; sys.argv[0] = 'crossapp'; from crossapp.cli import main; main()"]
_SAMPLE = re.compile(r"(?<=```text\n)VIOLATED .*?(?=```)", re.DOTALL)
_WIDTH, _HEIGHT = 1280, 1500


def main() -> None:
    """Run the verification if there is none, and replace both."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else made)
        if len(sys.argv) == 1:
            subprocess.run([*_CROSSAPP, "verify", "--fault", "routes-missing", "--report", made, "-q"], check=False)
        shown = subprocess.run([*_CROSSAPP, "report", str(folder)], capture_output=True, text=True, check=False).stdout
        readme = _ROOT / "README.md"
        readme.write_text(_SAMPLE.sub(lambda _: first_finding(shown), readme.read_text("utf-8"), count=1), "utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable())
            page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
            page.goto((folder / "report.html").resolve().as_uri())
            page.screenshot(path=_ROOT / "docs" / "report.png")
            browser.close()


def first_finding(report: str) -> str:
    """The block of the first violated requirement, without the rest of a long curl command."""
    block = re.search(r"^VIOLATED  .*?\n(?=\n)", report, re.DOTALL | re.MULTILINE)
    if block is None:
        raise SystemExit("The report has no violated requirement.")
    return "".join(line if len(line) <= 81 else f"{line[:79]}…\n" for line in block.group().splitlines(keepends=True))


if __name__ == "__main__":
    main()
