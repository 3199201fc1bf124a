"""axe, the accessibility checker, put into a page that Playwright has open."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

OPTIONS = {"resultTypes": ["violations"]}
"""axe takes two thirds of its time to describe each element that passes, which nobody reads."""
_HARM = ("serious", "critical")


def serious(page: "Page") -> list[str]:
    """What axe finds of serious or critical impact, a line each; what is folded is unfolded before."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {', '.join(str(node['target']) for node in each['nodes'][:3])}"
        for each in found
        if each["impact"] in _HARM
    ]
