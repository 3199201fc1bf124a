from pathlib import Path
from xml.etree import ElementTree as ET

from harness.render.junit import to_junit
from harness.report import Report
from tests.harness.render import sample
from tests.harness.render.sample import BLOCKED, HELD, HOSTILE, VIOLATED, finding, report_of

ROOT = Path(__file__).parents[3]


def cases(report: Report) -> dict[str, ET.Element]:
    suite = ET.fromstring(to_junit(report)).find("testsuite")
    assert suite is not None
    return {f"{each.get('classname')}.{each.get('name')}": each for each in suite.findall("testcase")}


def test_there_is_one_case_for_each_finding() -> None:
    report = sample.sample()
    found = cases(report)
    assert {each.requirement for each in report.findings} <= set(found)


def test_each_verdict_has_its_outcome() -> None:
    found = cases(sample.sample())
    outcomes = {name: [each.tag for each in case] for name, case in found.items()}
    assert outcomes[sample.VALIDATE] == ["failure"]
    assert outcomes["cors.hi_events_origin_is_admitted"] == ["error"]
    assert outcomes["event_stream.one_message_for_each_change"] == ["error"]
    assert outcomes["hi_events_session.session_is_accepted"] == ["skipped"]
    assert outcomes["storage.last_used_moves"] == ["skipped"]
    assert outcomes["session_token.unknown_session_is_404"] == ["skipped"]
    assert outcomes["webhook.oversized_body_is_refused"] == ["system-out"]
    assert outcomes["session_token.generate_answers_200"] == []
    assert outcomes["crossapp.deviations.deviation 1 is up to date"] == ["failure"]
    assert outcomes["crossapp.stories.operations_are_fuzzed"] == ["error"]


def test_a_case_names_the_page_of_its_rule() -> None:
    case = cases(sample.sample())[sample.VALIDATE]
    assert (ROOT / str(case.get("file"))).is_file()
    assert float(str(case.get("time"))) > 0


def test_a_blocked_case_names_its_root() -> None:
    skipped = cases(sample.sample())["hi_events_session.session_is_accepted"].find("skipped")
    assert skipped is not None
    assert str(skipped.get("message")).startswith(f"blocked by {sample.VALIDATE}: ")


def test_a_waived_case_names_owner_and_date() -> None:
    skipped = cases(sample.sample())["session_token.unknown_session_is_404"].find("skipped")
    assert skipped is not None
    assert "waived until 2026-12-31 by Lea Brandt" in str(skipped.get("message"))


def test_the_counts_are_those_of_the_cases() -> None:
    root = ET.fromstring(to_junit(sample.sample()))
    suite = root.find("testsuite")
    assert suite is not None
    for element in (root, suite):
        assert element.get("tests") == str(len(suite.findall("testcase")))
        assert element.get("failures") == str(len(suite.findall("testcase/failure")))
        assert element.get("errors") == str(len(suite.findall("testcase/error")))
        assert element.get("skipped") == str(len(suite.findall("testcase/skipped")))


def test_control_characters_cannot_break_the_document() -> None:
    everything = "".join(map(chr, range(0x100))) + "\ud800\uffff\U0001f3ab" + HOSTILE
    report = report_of([finding(everything, everything, VIOLATED, "", observed=everything, reason=everything)])
    text = to_junit(report)
    ET.fromstring(text)
    assert "\x1b" not in text
    assert "🎫" in text


def test_a_build_in_which_nothing_was_judged_is_not_green() -> None:
    for report in (sample.nothing_judged(), sample.broken_off(), report_of([])):
        run = cases(report)["crossapp.the run finished and checked something"]
        assert [each.tag for each in run] == ["error"]
    assert not list(cases(sample.honest())["crossapp.the run finished and checked something"])


def test_a_root_that_was_not_judged_is_an_error_as_what_it_blocks_is_only_skipped() -> None:
    found = cases(report_of([finding("a.b", "S.", HELD, ""), finding("a.c", "S.", BLOCKED, "", blocked_by="b.root")]))
    assert [each.tag for each in found["crossapp.roots.b.root"]] == ["error"]
