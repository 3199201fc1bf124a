"""A report as JUnit XML for build servers: one test case for each finding.

A violated MUST is a failure. A harness fault, a crashed story, an inconclusive finding, and a run that did not finish
or judged nothing are errors. Blocked, waived and not applicable findings are skipped, each with its reason. The `file`
of a case is the contract page that states its rule, as a path in this repository.
"""

from xml.etree import ElementTree as ET

from harness.render.arrange import Arrangement, Cause, arrange, headline, place_of
from harness.render.text import one_line, prose, visible
from harness.render.words import MOST, count, details, exit_code_in_words
from harness.report import Finding, Report
from harness.verdict import VerdictName

_RUN = "crossapp"


def to_junit(report: Report) -> str:
    """The report as JUnit XML with an XML declaration."""
    arranged = arrange(report)
    suite = ET.Element("testsuite", name=one_line(f"crossapp {report.header.deployment}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report):
        ET.SubElement(properties, "property", name=name, value=one_line(value))
    for finding in report.findings:
        _case(suite, finding)
    for cause in arranged.roots:
        _absent_root(suite, cause)
    for number, problem in enumerate(report.footer.problems, start=1):
        case = ET.SubElement(
            suite, "testcase", classname=f"{_RUN}.deviations", name=f"deviation {number} is up to date"
        )
        _outcome(case, "failure", prose(problem), "")
    for crash in report.footer.crashes:
        case = ET.SubElement(suite, "testcase", classname=f"{_RUN}.stories", name=one_line(crash.partition(":")[0]))
        _outcome(case, "error", prose(crash), "")
    _run(suite, arranged)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", f"{report.footer.duration_seconds:.3f}")
    suite.set("timestamp", one_line(report.header.started))
    root = ET.Element("testsuites", {key: value for key, value in suite.attrib.items() if key != "timestamp"})
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _properties(report: Report) -> list[tuple[str, str]]:
    header = report.header
    targets = [(f"target.{one_line(each.app)}", f"{each.url} ({each.kind})") for each in header.targets]
    return [("edition", header.edition), ("commit", header.commit), *targets]


def _case(suite: ET.Element, finding: Finding) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=one_line(place_of(finding)),
        name=one_line(finding.requirement.rpartition(".")[2]),
        file=one_line(f"docs/contract/{finding.source.edition}.md"),
        time=f"{sum(each.milliseconds for each in finding.exchanges) / 1000:.3f}",
    )
    match finding.verdict:
        case VerdictName.VIOLATED if finding.level == "MUST":
            _outcome(case, "failure", _observed(finding), _details(finding))
        case VerdictName.VIOLATED:
            word = "warning" if finding.level == "SHOULD" else "note"
            ET.SubElement(case, "system-out").text = f"{word}: {_details(finding)}"
        case VerdictName.HARNESS_FAULT | VerdictName.INCONCLUSIVE:
            _outcome(case, "error", prose(finding.reason), _details(finding), kind=finding.verdict.value)
        case VerdictName.BLOCKED:
            _outcome(case, "skipped", prose(f"blocked by {finding.blocked_by}: {finding.reason}"), "")
        case VerdictName.NOT_APPLICABLE:
            _outcome(case, "skipped", prose(f"not applicable: {finding.reason}"), "")
        case VerdictName.WAIVED:
            _outcome(case, "skipped", _waived(finding), "")
        case VerdictName.HELD | VerdictName.NOT_TESTED:
            pass


def _waived(finding: Finding) -> str:
    if finding.waiver is None:
        return prose(f"waived: {finding.reason}")
    waiver = finding.waiver
    return prose(f"waived until {waiver.until} by {waiver.owner}: {waiver.reason}")


def _absent_root(suite: ET.Element, cause: Cause) -> None:
    """A failing case for a root without one of its own: the findings that it blocks are only skipped."""
    if cause.finding is not None and cause.finding.verdict is VerdictName.INCONCLUSIVE:
        return
    case = ET.SubElement(suite, "testcase", classname=f"{_RUN}.roots", name=one_line(cause.requirement))
    _outcome(case, "error", f"it blocks {count(len(cause.blocks), 'requirement')}, and did not hold in this run", "")


def _run(suite: ET.Element, arranged: Arrangement) -> None:
    """The run as a test case, which fails if the run did not finish or judged nothing."""
    case = ET.SubElement(suite, "testcase", classname=_RUN, name="the run finished and checked something")
    footer = arranged.report.footer
    if not footer.finished or not arranged.judged:
        text = f"exit code {footer.exit_code}: {exit_code_in_words(footer.exit_code)}"
        _outcome(case, "error", headline(arranged), text)


def _outcome(case: ET.Element, tag: str, message: str, text: str, *, kind: str = "") -> None:
    element = ET.SubElement(case, tag, message=message)
    if kind:
        element.set("type", kind)
    if text:
        element.text = text


def _observed(finding: Finding) -> str:
    return prose(f"expected {finding.expected}; observed {finding.observed}")


def _details(finding: Finding) -> str:
    exchanges = ", ".join(str(each) for each in finding.evidence[:MOST])
    more = f" and {len(finding.evidence) - MOST} more" if len(finding.evidence) > MOST else ""
    fields = {"statement": finding.statement, **details(finding), "exchange": exchanges + more, "owner": ""}
    fields["curl"] = finding.reproduce
    return visible("\n".join(f"{label}: {value}" for label, value in fields.items() if value))
