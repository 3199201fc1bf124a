"""A report as one self-contained HTML page, whose content security policy forbids scripts and outside requests.

Every value goes through `visible` and jinja2's escaping; links lead only to anchors of the page.
"""

import base64
import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.render import load_words
from harness.render.answers import Link, answers
from harness.render.arrange import arrange, cautions, counts_in_words, headline, is_good
from harness.render.charts import percentile_chart, percentile_legend, time_chart, time_legend
from harness.render.text import one_line, prose, visible
from harness.render.words import (
    CRASHES,
    MEANINGS,
    SYMBOLS,
    WORDS,
    count,
    declaration,
    duration,
    exit_code_in_words,
    heading_word,
    numbers,
    rule,
    system_name,
    when,
)
from harness.report import Finding, Report, ShownExchange
from harness.verdict import VerdictName

_EVIDENCE = re.compile(r"browser/[A-Za-z0-9][A-Za-z0-9._-]*\.(png|txt|zip)")
"""Names of evidence files; other names in a saved report are not made links."""
_ROOM = 16_000_000
"""Characters of a page that exchanges may take."""
_NOT_ANCHOR = re.compile(r"[^A-Za-z0-9._-]")


def to_html(report: Report) -> str:
    """The report as an HTML document, which a browser can open: of very many exchanges the last are left out."""
    report, left_out = _with_room(report)
    arranged = arrange(report)
    return rendered(
        "report.html",
        report=report,
        header=report.header,
        footer=report.footer,
        arranged=arranged,
        answers=answers(arranged),
        advice=arranged.advice_claims,
        violated=VerdictName.VIOLATED,
        good=is_good(arranged),
        headline=headline(arranged),
        cautions=cautions(arranged),
        counts=counts_in_words(arranged),
        crashes_title=CRASHES,
        load=report.load,
        command=shlex.join(report.header.command),
        places=_Places(report),
        findings={each.requirement: each for each in report.findings},
        left_out=left_out,
    )


def rendered(template: str, **values: Any) -> str:
    """A page by the template of this name, with the style of all pages."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _environment().get_template(template).render(style=Markup(style), style_hash=digest, **values)


def _with_room(report: Report) -> tuple[Report, Mapping[str, int]]:
    """The report with as many exchanges as fit into a page, those of findings that hold last; and how many are left
    out, by requirement."""
    left, without = _ROOM, {}
    for each in sorted(report.findings, key=lambda each: each.verdict is VerdictName.HELD):
        left -= sum(map(_size, each.exchanges))
        if left < 0 and each.exchanges:
            without[each.requirement] = len(each.exchanges)
    findings = (replace(each, exchanges=()) if each.requirement in without else each for each in report.findings)
    return replace(report, findings=tuple(findings)), without


def _size(shown: ShownExchange) -> int:
    """About how many characters of the page an exchange takes."""
    headers = (*shown.request_headers, *shown.response_headers)
    texts = (shown.url, shown.curl, shown.error, shown.request_body, shown.response_body, *map("".join, headers))
    return 1_000 + 40 * len(headers) + sum(map(len, texts))


class _Places:
    """The anchors of the page. An id with characters that an anchor cannot have gets a number, so that all differ."""

    def __init__(self, report: Report) -> None:
        self._claims = _anchors("claim", [each.claim for each in report.claims])
        self._requirements = _anchors("req", [each.requirement for each in report.findings])

    def claim(self, claim: str) -> str:
        """The anchor of a claim; empty if it is not in the report."""
        return self._claims.get(claim, "")

    def requirement(self, requirement: str) -> str:
        """The anchor of a requirement's finding; empty if it is not in the report."""
        return self._requirements.get(requirement, "")

    def of(self, link: Link) -> str:
        """The anchor to which a link of an answer leads; empty if that is not in the report."""
        return self.claim(link.claim) or self.requirement(link.requirement) or link.section

    def exchange(self, finding: Finding, number: int) -> str:
        """The anchor of an exchange of a finding; empty if it is not shown."""
        if any(each.number == number for each in finding.exchanges):
            return f"{self.requirement(finding.requirement)}-x{int(number)}"
        return ""


def _anchors(prefix: str, ids: list[str]) -> dict[str, str]:
    anchors: dict[str, str] = {}
    for number, each in enumerate(ids):
        plain = _NOT_ANCHOR.sub("-", each)
        anchors[each] = f"{prefix}-{plain}" + ("" if plain == each else f"~{number}")
    return anchors


def _shown(value: Any) -> Any:
    """Jinja2's finalizer: makes every printed value visible, except markup."""
    if isinstance(value, Markup):
        return value
    return visible(value) if isinstance(value, str) else value


def _breakable(text: str) -> Markup:
    """As `prose`; a narrow column may break it after each slash of a route."""
    return escape(prose(text)).replace("/", Markup("/<wbr>"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["evidence_file"] = _EVIDENCE.fullmatch
    environment.filters.update(one_line=one_line, prose=prose, breakable=_breakable)
    environment.globals.update(
        words=WORDS,
        symbols=SYMBOLS,
        meanings=MEANINGS,
        count=count,
        declaration=declaration,
        duration=duration,
        exit_code_in_words=exit_code_in_words,
        heading_word=heading_word,
        rule=rule,
        numbers=numbers,
        system_name=system_name,
        when=when,
        load_words=load_words,
        percentile_chart=percentile_chart,
        percentile_legend=percentile_legend,
        time_chart=time_chart,
        time_legend=time_legend,
    )
    return environment


@cache
def _style() -> str:
    return files(__package__).joinpath("templates/report.css").read_text(encoding="utf-8")
