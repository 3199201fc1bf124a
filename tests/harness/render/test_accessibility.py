"""axe finds nothing serious in the HTML report and in the page of a trend, light and dark."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import chromium
from harness.render.html import to_html
from harness.render.trend import trend_of, trend_page
from harness.report import Report
from tests.axe import serious
from tests.harness.render import sample
from tests.harness.render.test_load import loaded
from tests.harness.render.test_trend import runs

_REQUIRED = os.environ.get("CI") == "true"
pytestmark = pytest.mark.skipif(
    not (chromium.is_available() or _REQUIRED), reason="no browser: apt-get install chromium"
)


_REPORTS = (
    sample.sample,
    pytest.param(sample.honest, marks=pytest.mark.slow),  # the sample has all that it has
    sample.nothing_judged,
    sample.broken_off,
    sample.stopped,
    loaded,
)


@pytest.mark.parametrize("made", _REPORTS)
def test_a_report_can_be_used_by_everybody(made: Callable[[], Report], tmp_path: Path) -> None:
    check(to_html(made()), tmp_path / "report.html")


def test_a_trend_can_be_used_by_everybody(tmp_path: Path) -> None:
    check(trend_page(trend_of("staging", runs())), tmp_path / "trend.html")


def long_words() -> Report:
    """A report in which each line is blocked by what has a name of one long word."""
    root = sample.finding(f"a.{'word' * 10}", "It holds.", sample.VIOLATED, "")
    blocked = [
        sample.finding(f"b.{each.claim}", "It holds.", sample.BLOCKED, each.claim, blocked_by=root.requirement)
        for each in sample.sample().claims
    ]
    return sample.report_of([root, *blocked])


@pytest.mark.parametrize("made", [sample.sample, long_words])
def test_a_report_fits_a_phone_and_a_screen(made: Callable[[], Report], tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    (tmp_path / "report.html").write_text(to_html(made()), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=["--no-sandbox"])
        for width in (360, 1280):
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.goto((tmp_path / "report.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{width} pixels are too few"
        browser.close()


def check(text: str, file: Path) -> None:
    from playwright.sync_api import sync_playwright

    file.write_text(text, "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=["--no-sandbox"])
        # The checker is put into the page, which the report's own policy would not permit.
        for context in (
            browser.new_context(color_scheme="light", bypass_csp=True),
            browser.new_context(color_scheme="dark", bypass_csp=True),
        ):
            page = context.new_page()
            page.goto(file.as_uri())
            assert serious(page) == []
            context.close()
        browser.close()
