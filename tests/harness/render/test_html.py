import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from harness.render.html import to_html
from harness.report import Report
from tests.harness.render import sample
from tests.harness.render.sample import HELD, HOSTILE, VIOLATED, finding, report_of, shown

VOID = {"meta", "br"}
KINDS = {
    "every verdict": sample.sample(),
    "honest": sample.honest(),
    "nothing judged": sample.nothing_judged(),
    "broken off": sample.broken_off(),
    "stopped": sample.stopped(),
    "empty": report_of([]),
}


class Page(HTMLParser):
    """What a page consists of; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.style = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.words.append(data)

    def all(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module", params=KINDS)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(to_html(KINDS[request.param]))


@pytest.fixture(scope="module")
def full() -> Page:
    return Page(to_html(sample.sample()))


def test_every_link_leads_to_one_place_in_the_page(page: Page) -> None:
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in page.all("href")} <= set(ids)
    assert all(link.startswith("#") for link in page.all("href"))
    assert set(page.all("aria-labelledby")) <= set(ids)


def test_evidence_is_a_link_where_the_name_is_one_of_ours() -> None:
    ours = ("browser/pages-visitor-02-after.png", "browser/pages-visitor.zip", "browser/pages-visitor.txt")
    others = (
        "javascript:alert(1)//.png",
        "browser/../../secret.txt",
        "https://elsewhere.example/x.png",
        "browser/a.html",
    )
    broken = replace(finding("browser.a_page_opens", "A page opens.", VIOLATED, ""), files=(*ours, *others))
    page = Page(to_html(report_of([broken])))
    assert {each for each in page.all("href") if not each.startswith("#")} == set(ours)


def test_nothing_is_run_or_fetched(page: Page) -> None:
    assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object", "form", "base", "svg"}
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in names if name.startswith("on")} | names & {"src", "style", "action", "srcset"}
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_the_security_policy_allows_the_one_style_and_nothing_else(page: Page) -> None:
    policy = next(each["content"] for _, each in page.tags if each.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_there_are_landmarks_and_a_language(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert [tags.count(each) for each in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert page.tags[0] == ("html", {"lang": "en"})


def test_each_cell_of_the_matrix_leads_to_its_claims(full: Page) -> None:
    cells = [each["href"] for tag, each in full.tags if tag == "a" and each.get("class", "").startswith("v-")]
    headings = [each["id"] for tag, each in full.tags if tag == "h4" and each.get("class") == "of-area"]
    rows = [each["id"] for tag, each in full.tags if tag == "li" and each.get("class", "").startswith("claim")]
    assert sorted(cells) == sorted(f"#{each}" for each in headings)
    assert len(rows) == 85


def test_every_finding_has_a_place(full: Page) -> None:
    ids = set(full.all("id"))
    assert {f"req-{each.requirement}" for each in sample.sample().findings} <= ids


def test_the_first_screen_says_what_was_verified_and_how_it_stands(full: Page) -> None:
    top = full.text.split("What blocks production")[0]
    for part in (
        "staging against the cross-app contract, edition 2025-07 2026-11-22 14:03 UTC",
        "4 problems block production",
        "tuvens-client is simulated",
        "85 lines of the status page 26 confirmed 19 work, 7 missing 7 contradicted 4 blocked 48 unknown",
        "7 lines that it calls working fail: ",
        "run crossapp load (13)",
        "2 of 8 fail: validate route said: missing routes",
        "yes: contradicted",
    ):
        assert part in top


def test_what_blocks_production_comes_before_everything_else(full: Page) -> None:
    text = full.text
    order = [
        "85 lines of the status page",
        "May we deploy?",
        "What blocks production 4",
        "Blockers whose result is unknown 1",
        "Lines of the status page 85",
        "Findings 42 of 67",
        "The run Systems",
    ]
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)
    assert "Blocks 11 requirements of 9 claims: C-HE-05 session accepted" in text


def test_verdicts_are_words_and_not_only_colours(full: Page) -> None:
    assert "blocked C-HE-05 session accepted" in full.text
    assert "held C-TA-01 generate-session" in full.text


def test_the_exchange_that_shows_a_violation_is_open() -> None:
    text = to_html(sample.sample())
    article = text[text.index('id="req-webhook.signature_is_over_the_raw_body"') :].split("</article>")[0]
    opened, folded = article.split("<details")[1:3]
    assert " open>" in opened.split("\n")[0]
    assert "req-webhook.signature_is_over_the_raw_body-x41" in opened
    assert " open" not in folded.split("\n")[0]


def test_hostile_answers_are_inert_and_seen() -> None:
    report = _hostile()
    text = to_html(report)
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"script", "img", "i"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "⟨U+202E⟩gnp.exe" in page.text
    assert all(each.startswith("#") for each in page.all("href"))
    text.encode("utf-8")


def test_a_curl_command_keeps_every_character_of_its_own() -> None:
    command = "curl -i -X POST 'http://127.0.0.1/?a=1&b=<2>' \\\n  --data-binary $'\\n{\"a\": \"b\"}'"
    exchange = shown(1, "GET", "/", 200)
    report = report_of([finding("a.b", "S.", VIOLATED, "", exchanges=(exchange,), observed="x")])
    report = _with_curl(report, command)
    assert command in "".join(Page(to_html(report)).words)


def test_a_body_that_begins_with_a_line_feed_keeps_it() -> None:
    exchange = shown(1, "GET", "/", 200, answer="\n\nbody")
    report = report_of([finding("a.b", "S.", VIOLATED, "", exchanges=(exchange,), observed="x")])
    assert "\n\n\nbody" in "".join(Page(to_html(report)).words)


def test_ids_that_differ_only_in_odd_characters_have_places_of_their_own() -> None:
    names = ["a.b c", "a.b-c", "a.b/c", 'a.b"c']
    Page(to_html(report_of(finding(each, "S.", VIOLATED, "") for each in names)))
    ids = Page(to_html(report_of(finding(each, "S.", VIOLATED, "") for each in names))).all("id")
    assert len([each for each in ids if each.startswith("req-")]) == 4
    assert len(ids) == len(set(ids))


def test_of_more_exchanges_than_a_browser_could_show_the_last_are_left_out_and_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = sample.sample()
    whole = to_html(report)
    assert "left out here" not in whole
    monkeypatch.setattr("harness.render.html._ROOM", 6_000)
    text = to_html(report)
    page = Page(text)
    assert 0 < text.count('class="messages"') < whole.count('class="messages"')
    assert "exchange left out here, so that a browser can open the page: report.jsonl has them." in page.text
    places = page.all("id")
    assert all(each[1:] in places for each in page.all("href") if each.startswith("#"))


def test_a_good_headline_is_the_only_green_one() -> None:
    real = report_of([finding("a.b", "S.", HELD, "")])
    assert '<h1 class="good">' in to_html(real)
    for report in (sample.honest(), sample.sample(), sample.nothing_judged(), sample.broken_off(), report_of([])):
        text = to_html(report)
        assert '<h1 class="good">' not in text
    for report in (sample.nothing_judged(), report_of([])):
        assert 'panel p-ready"' not in to_html(report)


def test_a_run_that_broke_off_has_a_banner() -> None:
    page = Page(to_html(sample.broken_off()))
    assert "This run did not finish; it found 4 problems before it ended" in page.text
    assert "What is missing below was not checked" in page.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_has_a_contrast_of_at_least_4_5(scheme: str, full: Page) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", full.style, re.DOTALL)[:2]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", dark))
    verdicts = [
        "held",
        "violated",
        "blocked",
        "inconclusive",
        "harness_fault",
        "waived",
        "not_applicable",
        "not_tested",
    ]
    for name in (*verdicts, "text", "muted", "link"):
        grounds = [colours[each] for each in ("bg", "raised")]
        if name in verdicts:
            grounds.append(_mixed(colours[name], colours["raised"], 0.11))
        else:
            grounds.append(_mixed(colours["link"], colours["bg"], 0.09))
        if name in ("text", "muted"):
            grounds.append(colours["sunken"])
        for ground in grounds:
            assert _contrast(colours[name], ground) >= 4.5, (name, ground)


def _hostile() -> Report:
    exchange = shown(1, HOSTILE, HOSTILE, 200, step=HOSTILE, request=HOSTILE, answer=HOSTILE, error=HOSTILE)
    everywhere = finding(
        HOSTILE,
        HOSTILE,
        VIOLATED,
        "C-TA-01 <i>",
        obliged="hi.events",
        section=HOSTILE,
        quote=HOSTILE,
        expected=HOSTILE,
        observed=HOSTILE,
        reason=HOSTILE,
        next_step=HOSTILE,
        exchanges=(exchange,),
    )
    lacking = finding("a.b", HOSTILE, sample.NOT_APPLICABLE, "", reason=HOSTILE)
    blocked = finding("a.c", HOSTILE, sample.BLOCKED, "", blocked_by=HOSTILE)
    unknown = finding("a.d", HOSTILE, sample.BLOCKED, "", blocked_by="<img src=x onerror=alert(1)>")
    return report_of([everywhere, lacking, blocked, unknown], problems=(HOSTILE,), crashes=(HOSTILE,))


def _with_curl(report: Report, command: str) -> Report:
    return replace(report, findings=tuple(replace(each, reproduce=command) for each in report.findings))


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _mixed(colour: str, ground: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(ground), strict=True)
    return "#" + "".join(f"{round((over * share + under * (1 - share)) * 255):02x}" for over, under in pairs)


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
