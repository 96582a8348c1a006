"""axe-core looks into a page; shadow roots that are open too."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

#: WCAG 2.2 AA and what axe calls best practice.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What another colour scheme can break.
_COLOURS = ["color-contrast", "link-in-text-block"]
_RUN = """async ({within, options}) => {
    const found = await axe.run(within ?? document, {...options, resultTypes: ["violations"]})
    return found.violations.flatMap((rule) => rule.nodes.map(
        (node) => `${rule.id}: ${node.target.flat().join(" ")}: ${node.failureSummary}`))
}"""


def violations(page: Page, within: str | None = None, *, only_colours: bool = False) -> list[str]:
    """What breaks a rule, in the whole page or in one element: its id, the element, and how to mend it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # The rule about the size of what is pressed is the one of WCAG 2.2, and off unless it is named.
    every = {"runOnly": _TAGS, "rules": {"target-size": {"enabled": True}}}
    options = {"runOnly": _COLOURS} if only_colours else every
    found: list[str] = page.evaluate(_RUN, {"within": within, "options": options})
    return found
