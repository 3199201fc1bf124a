import re

import pytest
from markdown_it import MarkdownIt

from harness.render.markdown import code, escaped, fenced, to_markdown
from tests.harness.render import sample
from tests.harness.render.sample import HOSTILE, VIOLATED, finding, report_of

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = {"details", "summary", "h2", "h3", "h4", "p", "ul", "li", "pre", "code", "strong", "em", "blockquote"}
OURS |= {"table", "thead", "tbody", "tr", "th", "td"}


def tags(markdown: str) -> set[str]:
    return set(re.findall(r"<([a-z][a-z0-9]*)[\s>]", READER.render(markdown)))


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "| a | b |",
        "`code` ``more``",
        "<img src=x> <b>bold</b> &amp;",
        "[link](http://evil) ![image](http://evil/x.png)",
        "*a* _b_ **c** ~~d~~",
        "# heading",
        "- list",
        "1. list",
        "> quote",
    ],
)
def test_an_escaped_sentence_is_read_as_the_words_it_has(text: str) -> None:
    html = READER.render(escaped(text))
    assert set(re.findall(r"<([a-z0-9]+)", html)) == {"p"}


def test_a_mention_or_a_reference_to_an_issue_notifies_nobody() -> None:
    assert escaped("@everyone") == "@<!-- -->everyone"
    assert escaped("fixes #12") == "fixes #<!-- -->12"
    assert escaped("https://evil.example www.evil.example") == "https\\://evil.example www\\.evil.example"


@pytest.mark.parametrize("text", ["plain", "a`b", "``", "`x", "x`", " x ", "a|b", HOSTILE])
def test_a_code_span_cannot_be_left(text: str) -> None:
    html = READER.render(f"| a | b |\n|---|---|\n| {code(text, in_table=True)} | end |")
    assert html.count("<td>") == 2
    assert html.count("<code>") == 1
    assert "<td>end</td>" in html


def test_a_code_block_cannot_be_left() -> None:
    text = "a\n```\n<b>out</b>\n`````\n# out"
    html = READER.render(fenced(text, "text"))
    assert html.count("<pre>") == 1
    assert "<b>" not in html
    assert "<h1>" not in html


def test_a_whole_report_has_no_markup_but_ours() -> None:
    text = to_markdown(sample.sample())
    html = READER.render(text)
    assert tags(text) <= OURS
    assert "href" not in html
    assert "src=" not in html.replace("src=x", "")
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_hostile_names_make_no_markup_either() -> None:
    hostile = finding(HOSTILE, HOSTILE, VIOLATED, "C-TA-01", reason=HOSTILE, observed="```\n</details>" + HOSTILE)
    blocked = finding("a.b", HOSTILE, sample.BLOCKED, "C-TA-02", blocked_by=HOSTILE, reason=HOSTILE)
    assert tags(to_markdown(report_of([hostile, blocked], problems=(HOSTILE,), crashes=(HOSTILE,)))) <= OURS


def test_what_blocks_production_is_on_top_and_names_what_it_blocks() -> None:
    text = to_markdown(sample.sample())
    order = [
        "## staging: 4 problems block production",
        "Of 85 lines of the status page",
        "May we deploy?",
        "### Repositories",
        "### What blocks production",
        "### Violated",
    ]
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)
    assert "**Blocks 11 requirements of 9 claims: session accepted, " in text


def test_every_claim_is_in_the_table_of_its_repository() -> None:
    html = READER.render(to_markdown(sample.sample(), limit=None))
    claims = sample.sample().claims
    assert all(f"<td><code>{each.claim}</code> {each.name}</td>" in html for each in claims)
    assert html.count("<tr>") == 85 + 4 + (4 + 1)


def test_a_comment_keeps_within_what_a_comment_may_have_and_says_what_it_left_out() -> None:
    text = to_markdown(sample.big())
    assert len(text) <= 65_536
    assert re.search(r"\*\d+ more parts of this report did not fit here", text)
    assert "### Counts" in text
    assert "did not fit" not in to_markdown(sample.big(), limit=None)


def test_a_run_that_broke_off_says_so() -> None:
    assert "## staging: This run did not finish" in to_markdown(sample.broken_off())
