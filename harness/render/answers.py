"""What a coordinator asks of a report, with answers in a few words: the first screen of a rendering."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.claims import COMPLETE_FILE
from harness.render.arrange import Arrangement, Cause
from harness.render.page import Cell
from harness.render.words import WORDS, count, duration, fix_it, listed, when
from harness.report import Agreement, ClaimResult, Finding
from harness.verdict import VerdictName

_SECURITY, _FLOW = "Security", "Flow"
_MOST = 4
"""How many names an answer lists before it says how many more there are."""
_CLAUSE = re.compile(r"[;:.](?:\s|$)")
_BUDGETS = {"PASS": "passed", "FAIL": "failed", "INCONCLUSIVE": "undecided", "INVALID": "invalid"}
_DECLARED = frozenset({VerdictName.HELD, VerdictName.WAIVED})


@dataclass(frozen=True, slots=True)
class Link:
    """Words of an answer that lead to a claim or a requirement of the report, or to a section by its anchor."""

    text: str
    claim: str = ""
    requirement: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """A question and its answer, in pieces that follow each other without a separator; a page breaks the line at each
    line feed."""

    question: str
    pieces: tuple[str | Link, ...]

    @property
    def text(self) -> str:
        """The answer without links."""
        return " ".join("".join(each if isinstance(each, str) else each.text for each in self.pieces).split())


def answers(arranged: Arrangement) -> tuple[AnsweredQuestion, ...]:
    """The questions that the report answers. Those about the status page are left out of a report that lacks it."""
    questions = [
        ("May we deploy?", _deploy, True),
        ("Where is the page wrong?", _wrong, arranged.page.is_known),
        ("What works?", _works, arranged.page.is_known),
        ("Do they work together?", _together, arranged.page.is_known and _flow(arranged) is not None),
        ("Does security hold?", _security, arranged.page.is_known),
        ("What is unknown?", _unknown, arranged.page.is_known),
        ("Is performance known?", _load, arranged.page.is_known or arranged.report.load is not None),
        ("What changed?", _changed, any(each.before for each in arranged.report.claims)),
        ("What next?", _next, True),
        ("How old is this?", _age, True),
    ]
    return tuple(AnsweredQuestion(question, tuple(answer(arranged))) for question, answer, known in questions if known)


def _deploy(arranged: Arrangement) -> Iterable[str | Link]:
    if not arranged.blockers:
        doubt = _doubt(arranged)
        yield f"Not known: {doubt}." if doubt else "Yes: nothing blocks it, and no line of the page is unknown."
        return
    owners = Counter(each.finding.obliged for each in arranged.blockers if each.finding is not None)
    by = listed([f"{owner} ({count(number, 'problem')})" for owner, number in owners.most_common()])
    yield "No, if these were real servers: " if arranged.only_simulators else "No: "
    yield Link(f"{by} {'blocks' if len(owners) == 1 else 'block'} it", section="blockers")
    blocked = arranged.page.counts[Agreement.BLOCKED]
    yield f"; {count(blocked, 'more line')} cannot be tested before that is fixed." if blocked else "."


def _doubt(arranged: Arrangement) -> str:
    """Why a report without blockers is no reason to deploy; empty if it is one."""
    unknown = arranged.page.counts[Agreement.UNKNOWN]
    reasons = (
        (not arranged.report.footer.finished, "the run did not finish"),
        (bool(arranged.invalid), f"the load measurement is invalid ({arranged.invalid})"),
        (bool(arranged.faults or arranged.crashes), "crossapp failed"),
        (bool(arranged.problems), "a declared deviation is out of date"),
        (bool(arranged.roots), f"checks of {listed(_owners(arranged.roots))} on which others depend are undecided"),
        (arranged.only_simulators, "no real server was tested"),
        (bool(arranged.simulated), f"{listed(arranged.simulated)} not tested, only simulated"),
        (not arranged.judged, "no check passed or failed"),
        (bool(arranged.undecided), f"{count(arranged.undecided, 'check')} could not be decided"),
        (bool(unknown), f"no blocker was found, but {count(unknown, 'line')} of the page remain unknown"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _owners(causes: Iterable[Cause]) -> list[str]:
    return list(dict.fromkeys(each.finding.obliged for each in causes if each.finding is not None))


def _wrong(arranged: Arrangement) -> Iterable[str | Link]:
    wrong = [each for each in arranged.report.claims if each.agreement is Agreement.CONTRADICTED]
    found = sorted(wrong, key=lambda each: each.area != _SECURITY)
    # What spans all applications is tested with the simulators, too.
    real = {each.app for each in arranged.report.header.targets if each.app not in arranged.simulated}
    for works, called, verb in ((True, "working", "fail"), (False, "missing or blocked", "work")):
        for simulated in (False, True) if arranged.simulated else (False,):
            claims = [
                each
                for each in found
                if each.works is works and (not arranged.simulated or (each.repository not in real) is simulated)
            ]
            if claims:
                verb_of = f"{verb}s" if len(claims) == 1 else verb
                where = " with simulators" if simulated else ""
                yield f"{count(len(claims), 'line')} that it calls {called} {verb_of}{where}: "
                yield from _names(claims)
                yield ". "
    if not found:
        yield "Nothing that was tested."


def _works(arranged: Arrangement) -> Iterable[str | Link]:
    found = [(number, row, _working(row.claims)) for number, row in enumerate(arranged.page.rows, 1)]
    total = sum(works for _, _, works in found)
    yield f"{total} of {count(arranged.page.total, 'line')}{' with simulators' if arranged.only_simulators else ''}: "
    for number, row, works in found:
        yield ", " if number > 1 else ""
        yield Link(f"{row.repository} {works} of {len(row.claims)}", section=f"claims-{number}")
    yield "."


def _working(claims: Iterable[ClaimResult]) -> int:
    return sum(each.verdict is VerdictName.HELD for each in claims)


def _flow(arranged: Arrangement) -> Cell | None:
    return next((found for row in arranged.page.rows if (found := row.cell(_FLOW)) is not None), None)


def _together(arranged: Arrangement) -> Iterable[str | Link]:
    cell = _flow(arranged)
    if cell is None:
        return
    broken = [each.claim for each in cell.claims if each.verdict is VerdictName.VIOLATED]
    if broken and arranged.advice_claims.issuperset(broken):
        yield "Yes, but a recommendation is not followed"
    else:
        yield "No" if broken else "Yes" if cell.verdict in _DECLARED else "Not known"
    yield " (with simulators): " if arranged.simulated else ": "
    first = next(each for each in cell.claims if each.verdict is cell.verdict)
    flows = f"{cell.count} of {count(len(cell.claims), 'flow')}"
    blocked = cell.verdict is VerdictName.BLOCKED
    yield Link(f"{flows} blocked by {cell.why}" if blocked else cell.words, claim=first.claim)
    yield "."


def _security(arranged: Arrangement) -> Iterable[str | Link]:
    violated = {name for each in arranged.blockers if each.security for name in each.requirements}
    claims = [
        each
        for each in arranged.report.claims
        if each.area == _SECURITY or (each.verdict is VerdictName.VIOLATED and violated.intersection(each.settled_by))
    ]
    if not claims:
        yield "Not tested in this run."
        return
    held = [each for each in claims if each.verdict in _DECLARED]
    broken = [each for each in claims if each.verdict is VerdictName.VIOLATED]
    advice = [each for each in broken if each.claim in arranged.advice_claims]
    wrong = [each for each in broken if each not in advice]
    unknown = [each for each in claims if each not in held and each not in broken]
    if wrong or violated:
        yield "No: "
    elif unknown:
        yield "No violation was found, but not all is known: "
    else:
        yield "No violation was found: " if advice else "Yes: "
    verb = "holds" if len(held) == 1 else "hold"
    yield f"{len(held)} of {count(len(claims), 'line')} about security, in all areas, {verb}"
    for what, group in (
        ("failed", wrong),
        ("recommendation not followed", advice),
        ("not tested or undecided", unknown),
    ):
        if group:
            yield f"; {what}: "
            yield from _names(group)
    yield "."


def _unknown(arranged: Arrangement) -> Iterable[str | Link]:
    number = arranged.page.counts[Agreement.UNKNOWN]
    if not number:
        yield "Nothing."
        return
    yield Link(count(number, "line"), section="lines")
    settling = ", ".join(f"{remedy} ({lines})" for remedy, lines in arranged.page.would_settle)
    yield f" of the page. To decide them: {settling}." if settling else " of the page."


def _load(arranged: Arrangement) -> Iterable[str | Link]:
    load = arranged.report.load
    if load is None:
        yield "No: the command crossapp load measures it."
        return
    words = Counter(each.word for each in load.budgets)
    counted = ", ".join(f"{words[word]} {verb}" for word, verb in _BUDGETS.items() if words[word])
    beginning = "Yes" if not words["INVALID"] else ("Partly" if words["PASS"] + words["FAIL"] else "Not validly")
    yield Link(f"{beginning}, {count(len(load.budgets), 'budget')}", section="load")
    yield f": {counted} ({arranged.invalid})." if words["INVALID"] and arranged.invalid else f": {counted}."


def _changed(arranged: Arrangement) -> Iterable[str | Link]:
    groups: dict[str, list[ClaimResult]] = {}
    for each in arranged.report.claims:
        if each.before and each.before != each.verdict.value:
            words = {name.value: word for name, word in WORDS.items()}
            now = f"{WORDS[each.verdict].capitalize()} now, {words.get(each.before, each.before)} in the run before"
            groups.setdefault(now, []).append(each)
    for number, (now, claims) in enumerate(groups.items()):
        yield "; " if number else ""
        yield f"{now}: "
        yield from _names(claims)
    yield "." if groups else "No line, since the run before."


def _next(arranged: Arrangement) -> Iterable[str | Link]:
    causes = arranged.blockers or arranged.in_the_way or arranged.inconclusive
    steps = {_step(each.finding): each.finding for each in causes if each.finding is not None}
    owner = ""
    for step, finding in _of_each_owner(list(steps.items())):
        if owner:
            yield "; " if finding.obliged == owner else ".\n"
        yield Link(step if finding.obliged == owner else f"{finding.obliged}: {step}", requirement=finding.requirement)
        owner = finding.obliged
    if steps:
        if len(steps) > _MOST:
            yield "; "
            yield Link(count(len(steps) - _MOST, "more step"), section="blockers" if arranged.blockers else "findings")
        yield "."
    elif arranged.only_simulators:
        yield "Verify a real deployment: crossapp verify --deployment FILE."
    elif arranged.page.would_settle:
        remedy, lines = arranged.page.would_settle[0]
        how = " (crossapp doctor FILE lists what it lacks)" if remedy == COMPLETE_FILE else ""
        yield f"{remedy.capitalize()}{how}: it decides {count(lines, 'unknown line')}."
    else:
        yield "Nothing."


def _of_each_owner(steps: Sequence[tuple[str, Finding]]) -> list[tuple[str, Finding]]:
    """The first steps, among them one of each owner, those of one owner together."""
    owners = list(dict.fromkeys(finding.obliged for _, finding in steps))
    firsts = [next(each for each in steps if each[1].obliged == owner) for owner in owners]
    shown = (firsts + [each for each in steps if each not in firsts])[:_MOST]
    return sorted(shown, key=lambda each: (owners.index(each[1].obliged), steps.index(each)))


def _step(finding: Finding) -> str:
    """`Register GET /auth/cross-app/status`: the first clause of the next step, or else the requirement."""
    if finding.next in ("", *(fix_it(finding.obliged, curl=curl, files=True) for curl in (True, False))):
        owner, statement = f"{finding.obliged} ", finding.statement.rstrip(".")
        return f"make sure that {'it ' if statement.startswith(owner) else ''}{statement.removeprefix(owner)}"
    return _CLAUSE.split(finding.next, maxsplit=1)[0]


def _age(arranged: Arrangement) -> Iterable[str | Link]:
    header, footer = arranged.report.header, arranged.report.footer
    if header.runs:
        yield "; ".join(f"{each.kind}: {when(each.started)}" for each in header.runs) + "."
    else:
        yield f"The test began on {when(header.started)}"
        yield f" and took {duration(footer.duration_seconds)}." if footer.finished else "; it did not finish."


def _names(claims: Sequence[ClaimResult]) -> Iterable[str | Link]:
    """`validate route, status route and 4 more`."""
    for number, each in enumerate(claims[:_MOST]):
        yield ", " if number else ""
        yield Link(each.name or each.claim, claim=each.claim)
    if len(claims) > _MOST:
        yield " and "
        yield Link(f"{len(claims) - _MOST} more", section="lines")
