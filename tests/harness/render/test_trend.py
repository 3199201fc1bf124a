"""The trend of an environment: what changed first, one cell for each run; hostile texts in it stay texts."""

from dataclasses import replace
from xml.etree import ElementTree

from harness.render.trend import trend_lines, trend_of, trend_page
from harness.report import Report
from tests.harness.render.sample import HELD, HOSTILE, VIOLATED, finding, honest
from tests.harness.render.test_html import Page
from tests.harness.render.test_load import loaded


def runs() -> list[tuple[str, Report]]:
    """Two runs: a claim with a hostile name is violated, then held; the second one measured budgets."""
    model, load = honest(), loaded()
    first, *others = model.claims
    before = (replace(first, verdict=VIOLATED, name=HOSTILE), *others)
    after = (replace(first, verdict=HELD, name=HOSTILE), *others)
    later = replace(model.header, started="2026-11-24T10:00:00.000Z")
    findings = (*model.findings, finding("load.quick", "It is quick.", HELD, "C-PF-01"))
    second = replace(model, claims=after, header=later, findings=findings, load=load.load)
    return [(HOSTILE, replace(model, claims=before)), ("d" * 40, second)]


def cells(page: str, name: str) -> list[str]:
    """The words of a row's cells, its first one left out."""
    for row in ElementTree.fromstring(page[page.index("<main") : page.index("</body>")]).iter("tr"):
        head, *found = ["".join(each.itertext()).strip() for each in row]
        if head.split() and head.split()[0] == name:
            return [" ".join(each.split()) for each in found]
    raise AssertionError(name)


def test_each_claim_and_budget_has_a_cell_for_each_run() -> None:
    trend = trend_of("staging", runs())
    page = trend_page(trend)
    changed, same = page.split("What never changed", 1)
    claim = trend.rows[0].name
    assert f"<code>{claim}</code>" in changed
    assert f"<code>{claim}</code>" not in same
    assert cells(page, claim) == ["✕violated", "✓held"]
    assert cells(page, "load.quick") == ["not in this run", "✓held 9 ms"]
    assert f"1 of {len(trend.rows)} claims and budgets" in Page(page).text
    assert trend_lines(trend, every=False)[3] == f"  {claim}  X+"
    assert any(each.split() == ["load.quick", "+"] for each in trend_lines(trend, every=True))


def test_a_page_is_safe_whatever_reports_hold() -> None:
    page = Page(trend_page(trend_of(HOSTILE, runs())))
    assert {name for name, _ in page.tags} & {"script", "img", "iframe"} == set()
    assert all(each.startswith("#") for each in page.all("href"))
    assert "alert(1)" in page.text
    assert not set(page.text) & {"\x1b", "\u202e"}
    assert page.all("content")[0].startswith("default-src 'none'")


def test_without_runs_it_says_how_to_keep_one() -> None:
    assert "crossapp keep" in Page(trend_page(trend_of("staging", []))).text
    assert trend_lines(trend_of("staging", []), every=False) == ["staging: no run is kept"]
