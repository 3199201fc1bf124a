"""The answer to "may we deploy?" as lines, as Markdown and as a badge."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from harness.exit_codes import ExitCode
from harness.render.markdown import code, escaped
from harness.render.text import one_line, prose

_WIDTH = 80
_MESSAGES = {ExitCode.OK: "yes", ExitCode.VIOLATED: "no", ExitCode.UNDECIDED: "not known"}
_COLOURS = {"yes": "#1b6b3f", "no": "#b3261e", "not known": "#805300"}
_LETTER, _PAD = 7, 8
"""The width of a letter and of the space at an end, in pixels; the browser fits the text into it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a deployment: whether it is met, and why. `broken`: a MUST is violated, rather than evidence
    missing."""

    name: str
    met: bool
    text: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Whether a commit that was measured in an environment may be deployed. `exit_code`: 0 yes, 1 no, 2 not known."""

    environment: str
    commit: str
    exit_code: ExitCode
    conditions: Sequence[Condition]

    @property
    def yes(self) -> bool:
        """Whether it may be."""
        return self.exit_code is ExitCode.OK


def gate_lines(answer: GateAnswer) -> list[str]:
    """The answer for a terminal."""
    lines = [prose(f"{answer.environment} at {answer.commit}: {'yes' if answer.yes else 'NO'}")]
    for each in answer.conditions:
        text = f"{'ok' if each.met else 'NO':<3}{each.name}: {prose(each.text)}"
        lines += textwrap.wrap(text, _WIDTH - 2, initial_indent="  ", subsequent_indent="     ", break_on_hyphens=False)
    return lines


def gate_markdown(answer: GateAnswer) -> str:
    """The answer for a pull request or a step summary: what is not met first."""
    title = f"## {escaped(answer.environment)} at {code(answer.commit[:12])}: {'yes' if answer.yes else 'NO'}"
    found = sorted(answer.conditions, key=lambda each: each.met)
    lines = [f"- {'ok' if each.met else '**NO**'} {each.name}: {escaped(each.text)}" for each in found]
    return "\n".join((title, "", *lines)) + "\n"


def gate_badge(answer: GateAnswer, path: Path) -> str:
    """The answer as a badge: an SVG picture, or for a file that ends with .json what shields.io reads
    (https://shields.io/badges/endpoint-badge). It names the commit: a badge may be older than what is deployed."""
    answered = _MESSAGES.get(answer.exit_code, "not known")
    label = one_line(f"deploy {answer.environment}")
    message = one_line(f"{answered} ({answer.commit[:7]})")
    if path.suffix == ".json":
        colour = _COLOURS[answered].removeprefix("#")
        return json.dumps({"schemaVersion": 1, "label": label, "message": message, "color": colour}) + "\n"
    return _svg(label, message, _COLOURS[answered])


def _svg(label: str, message: str, colour: str) -> str:
    left, right = (len(each) * _LETTER + 2 * _PAD for each in (label, message))
    fitted = 'y="14" lengthAdjust="spacingAndGlyphs"'
    texts = "".join(
        f'<text x="{x + _PAD}" textLength="{width - 2 * _PAD}" {fitted}>{escape(text)}</text>'
        for x, width, text in ((0, left, label), (left, right, message))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{escape(f"{label}: {message}")}">'
        f'<rect width="{left + right}" height="20" rx="3" fill="#454b52"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>\n'
    )
