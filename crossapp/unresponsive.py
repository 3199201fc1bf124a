"""What is said of applications that do not respond: which ones, why, and what to do."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from harness.deployment import Target
from harness.report import SIMULATED
from harness.verdict import Inconclusive


def unresponsive_lines(silent: Mapping[str, Inconclusive], targets: Mapping[str, Target]) -> Iterator[str]:
    """A line for each application of `silent`, which has the reasons; then what to do. A simulated one is left out
    where a real one is silent, too: it waited for that one."""
    real = [each.app for each in targets.values() if each.kind != SIMULATED]
    told = [app for app in silent if app in real] or list(silent)
    together = len({silent[app].remedy for app in told}) == 1
    for app in told:
        reason = silent[app].reason.removeprefix(f"{app} does not respond: ")
        url = targets[app].api_url
        where = "" if (urlsplit(url).hostname or url) in reason else f" at {url}"
        yield f"{app} does not respond{where}: {reason}." + ("" if together else f" {silent[app].remedy}")
    yield "Nothing was verified." + (f" {silent[told[0]].remedy}" if together else "")
    if len(told) < len(real):
        yield "To verify the other applications: crossapp verify --go-on …"
