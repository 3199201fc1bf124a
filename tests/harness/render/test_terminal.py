import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from harness.merge import merge
from harness.render.arrange import arrange
from harness.render.html import to_html
from harness.render.junit import to_junit
from harness.render.markdown import brief_markdown, to_markdown
from harness.render.terminal import print_report
from tests.harness.render import sample
from tests.harness.render.sample import HELD, VIOLATED, finding, report_of, to_text

LABELS = (
    "VIOLATED",
    "HARNESS FAULT",
    "WARNING",
    "DEVIATION",
    "INCONCLUSIVE",
    "WAIVED",
    "NOTE",
    "== Not applicable",
    "== Status page",
)


def test_what_is_wrong_comes_first() -> None:
    text = to_text(sample.sample())
    places = [text.index(f"\n{label}" if "==" not in label else label) for label in LABELS]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_ids_and_curl_commands_are_whole_at_every_width(width: int) -> None:
    report = sample.sample()
    lines = to_text(report, width=width).split("\n")
    for each in report.findings:
        if each.verdict not in (HELD, sample.NOT_APPLICABLE, sample.BLOCKED):
            assert any(each.requirement in line for line in lines)
        if each.verdict in (VIOLATED, sample.INCONCLUSIVE) and "U+" not in "".join(lines) and each.reproduce:
            assert any(each.reproduce in line for line in lines)


def test_a_curl_command_is_one_line_to_copy() -> None:
    report = report_of(each for each in sample.sample().findings if each.requirement == sample.VALIDATE)
    lines = to_text(report, width=60).split("\n")
    assert "  curl       " + report.findings[0].reproduce in lines


def test_sentences_are_folded_at_60_columns() -> None:
    free = ("curl ", "exchange", "http")
    for line in to_text(sample.sample(), width=60).split("\n"):
        if len(line) > 60:
            words = line.split()
            assert any(each in line for each in free) or len(words) <= 2, line


def test_a_missing_route_is_told_once_with_what_it_blocks() -> None:
    text = to_text(sample.sample())
    assert text.count("VIOLATED  " + sample.VALIDATE) == 1
    assert text.count(sample.VALIDATE) == 2
    block = text[text.index(sample.VALIDATE) :].split("\n\n")[0]
    assert "11 requirements of 9 claims" in " ".join(block.split())
    assert "hi_events_session.one_user_for_concurrent_sign_ins" not in block
    file = io.StringIO()
    print_report(sample.sample(), Console(file=file, width=80), verbose=True)
    assert "hi_events_session.one_user_for_concurrent_sign_ins" in file.getvalue()


def test_a_story_that_crashed_is_named() -> None:
    text = " ".join(to_text(report_of([finding("a.b", "S.", HELD, "")], crashes=("a_story: KeyError: 'x'",))).split())
    assert "Stories that crashed (a bug in crossapp)" in text
    assert "CRASHED a_story: KeyError: 'x'" in text
    assert "Exit code 3" in text


def test_a_finding_names_all_that_an_engineer_needs() -> None:
    text = " ".join(to_text(sample.sample(), width=100).split())
    block = text[text.index("VIOLATED webhook.signature_is_over_the_raw_body") :]
    for part in (
        "tuvens-api accepts a webhook that is signed over its raw bytes",
        "expected status 200",
        "observed 401",
        "exchange 41 POST https://api.staging.tuvens.example/api/webhooks/hi-events/event-status-changed -> 401",
        "and 40",
        "source 2025-07, tuvens-api / POST /api/webhooks/hi-events/event-status-changed: “Verified over the raw bytes",
        "next Compute the HMAC",
        "curl curl -i -X POST",
    ):
        assert part in block


def test_a_waiver_names_its_owner_and_its_end() -> None:
    assert "owner      Lea Brandt, until 2026-12-31" in to_text(sample.sample())


def test_what_is_not_applicable_is_grouped_by_reason() -> None:
    text = " ".join(to_text(sample.sample()).split())
    assert "== Not applicable to this deployment (8)" in text
    assert "4 no access to the database of tuvens-api" in text


def test_the_counts_say_how_many_of_how_many() -> None:
    text = to_text(sample.sample(), width=100)
    assert "Of 85 lines of the status page: 26 confirmed, 7 contradicted, 4 blocked, 48 unknown." in text
    assert "tuvens-api: production ready: no; page said yes: contradicted" in text
    assert "42 of 67 requirements judged" in text
    assert "Exit code 1: a required check failed, or a declared deviation is out of date." in text


def test_the_summary_comes_last_with_a_line_for_each_problem() -> None:
    file = io.StringIO()
    print_report(sample.sample(), Console(file=file, width=80), quiet=True)
    summary = file.getvalue()
    assert to_text(sample.sample()).endswith(summary)
    named = [line.split()[1] for line in summary.split("\n") if line.startswith(("VIOLATED", "WARNING"))]
    arranged = arrange(sample.sample())
    assert sorted(each.requirement for each in (*arranged.violated, *arranged.warnings)) == sorted(named)
    assert len(summary.split("\n")) < 60


def test_a_run_that_broke_off_says_so_at_both_ends() -> None:
    lines = [line for line in to_text(sample.broken_off()).split("\n") if "did not finish" in line.lower()]
    assert len(lines) == 3


def test_what_a_stopped_run_left_undecided_is_one_entry_in_every_rendering() -> None:
    report = sample.stopped()
    assert len(arrange(report).inconclusive) == 1
    text = to_text(report)
    assert text.count("stopped after 31 of 84 stories") == 2
    assert text.count("the run was stopped before the story") == 1
    assert text.count("so are") == 1
    for rendering in (to_html(report), to_markdown(report), brief_markdown(report), to_junit(report)):
        assert "stopped after 31 of 84 stories" in rendering
    assert "So are" in to_html(report)
    assert merge([report, sample.sample()], datetime.now(UTC)).footer.stopped == report.footer.stopped


def test_colour_is_no_part_of_the_meaning() -> None:
    file = io.StringIO()
    print_report(sample.sample(), Console(file=file, width=80, force_terminal=True, color_system="standard"))
    coloured = file.getvalue()
    plain = Console(file=io.StringIO(), width=80, color_system=None)
    print_report(sample.sample(), plain)
    assert "\x1b[" in coloured
    assert "\x1b" not in plain.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


def test_nothing_is_green_when_nothing_was_judged() -> None:
    def green(report: object) -> bool:
        file = io.StringIO()
        console = Console(file=file, width=80, force_terminal=True, color_system="standard")
        print_report(report, console)  # type: ignore[arg-type]  # reports only
        return "\x1b[1;32m" in file.getvalue()

    assert green(sample.honest())
    for report in (sample.nothing_judged(), sample.broken_off(), sample.sample(), report_of([])):
        assert not green(report)


def test_hostile_answers_cannot_move_the_cursor_or_add_lines() -> None:
    hostile = "x\x1b[2J\x1b]8;;http://evil\x07\r\nHELD  everything [bold]:smile:"
    report = report_of([finding(hostile, hostile, VIOLATED, hostile, observed=hostile, reason=hostile)])
    text = to_text(report)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "[bold]:smile:" in text
    assert not [line for line in text.split("\n") if line.startswith("HELD")]


def test_a_log_that_is_not_utf_8_gets_escapes() -> None:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding="ascii")
    print_report(sample.sample(), Console(file=file, width=80))
    file.flush()
    assert b"staging \\xb7 edition 2025-07" in buffer.getvalue()


def test_the_embedded_simulators_are_named_in_the_title() -> None:
    report = sample.honest()
    report = replace(report, header=replace(report.header, deployment="embedded"))
    assert to_text(report).startswith("Embedded simulators · edition")
    assert "<strong>Embedded simulators</strong>" in to_html(report)
    assert to_markdown(report).startswith("## Embedded simulators: ")
