"""axe-core looks into a page; shadow roots that are open too."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

#: WCAG 2.2 AA and what axe calls best practice.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What another colour scheme can break.
_COLOURS = ["color-contrast", "link-in-text-block"]
#: Marks all that looks the same as another element that is not marked. The contrast of a text follows from its own
#: colours and letters, and from the colours behind it, which are those of its ancestors: the reference of the API has
#: thousands of cells that differ in their words alone, and axe took seconds for each of them anew. What may lie over or
#: beside its ancestors, is not shown, or may not be pressed, is never left out; no other rule leaves anything out.
_MARK_SAME = """(mark) => {
    const seen = new Set()
    let lone = 0
    const walk = (root, behind) => {
        for (const element of root.children) {
            const style = getComputedStyle(element)
            const apart = style.position !== "static" || style.float !== "none" || style.transform !== "none"
                || element.matches("label, :disabled, [aria-disabled]")
            const words = [...element.childNodes].map((node) => node.nodeType === 3 ? node.data.trim() : "").join("")
            const look = [behind, element.tagName, element.className, style.color, style.backgroundColor,
                style.backgroundImage, style.opacity, style.filter, style.mixBlendMode, style.fontSize,
                style.fontWeight, style.textShadow, style.overflow, Math.min(words.length, 2),
                apart ? ++lone : ""].join()
            const same = !apart && words && element.checkVisibility({visibilityProperty: true})
            element.toggleAttribute(mark, Boolean(same && seen.has(look)))
            if (same) seen.add(look)
            walk(element, look)
            if (element.shadowRoot) walk(element.shadowRoot, look)
        }
    }
    walk(document, "")
}"""
_MARK = "data-looks-the-same"
_RUN = """async ({within, options}) => {
    const found = await axe.run(within ?? document, {...options, resultTypes: ["violations"]})
    return found.violations.flatMap((rule) => rule.nodes.map(
        (node) => `${rule.id}: ${node.target.flat().join(" ")}: ${node.failureSummary}`))
}"""


def violations(page: Page, within: str | None = None, *, only_colours: bool = False) -> list[str]:
    """What breaks a rule, in the whole page or in one element: its id, the element, and how to mend it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
        page.evaluate(
            "(rule) => axe.configure({rules: [rule]})", {"id": "color-contrast", "selector": f":not([{_MARK}])"}
        )
    page.evaluate(_MARK_SAME, _MARK)
    # The rule about the size of what is pressed is the one of WCAG 2.2, and off unless it is named.
    every = {"runOnly": _TAGS, "rules": {"target-size": {"enabled": True}}}
    options = {"runOnly": _COLOURS} if only_colours else every
    found: list[str] = page.evaluate(_RUN, {"within": within, "options": options})
    return found
