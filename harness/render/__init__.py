"""Renderings of a report: pure functions of the saved model, for terminals, browsers, comments and builds."""

from harness.render.html import to_html
from harness.render.junit import to_junit
from harness.render.markdown import to_markdown
from harness.render.saved import REPORT_NAME, line_schema, open_report, parse_report
from harness.render.terminal import print_report, to_text

__all__ = [
    "REPORT_NAME",
    "line_schema",
    "open_report",
    "parse_report",
    "print_report",
    "to_html",
    "to_junit",
    "to_markdown",
    "to_text",
]
