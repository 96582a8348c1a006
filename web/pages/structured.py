"""What programs read of an article: schema.org's HowTo for steps, FAQPage for everything else."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from kb.models import Article, Section

#: An ordered list of fewer entries is no procedure.
_LEAST_STEPS = 2
_LONGEST_ANSWER = 1_000


def structured(article: Article, sections: Sequence[Section], address: str, description: str) -> Markup:
    """JSON-LD for an article at an absolute `address`, escaped for the script element it stands in."""
    anchor, steps = next(((s.anchor, found) for s in sections if (found := steps_of(s.html))), ("", []))
    made: dict[str, Any] = {"@context": "https://schema.org", "inLanguage": article.lang, "url": address}
    if article.changed:
        made["dateModified"] = article.changed
    if steps:
        place = f"{address}#{anchor}" if anchor else address
        made |= {
            "@type": "HowTo",
            "name": article.title,
            "step": [{"@type": "HowToStep", "text": text, "url": place} for text in steps],
        }
        if description:
            made["description"] = description
    else:
        text = " ".join(" ".join(section.text for section in sections).split())
        question: dict[str, Any] = {
            "@type": "Question",
            "name": article.title,
            "acceptedAnswer": {"@type": "Answer", "text": _shortened(text) or article.title},
        }
        if article.questions:
            question["alternateName"] = list(article.questions)
        made |= {"@type": "FAQPage", "mainEntity": [question]}
    return htmlsafe_json_dumps(made, ensure_ascii=False)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ANSWER else text[:_LONGEST_ANSWER].rpartition(" ")[0] + "…"


def steps_of(html: str) -> list[str]:
    """The entries of the first ordered list in sanitised HTML, as text; none where it has fewer than two."""
    if "<ol" not in html:
        return []
    reader = _Steps()
    reader.feed(html)
    steps = [" ".join(step.split()) for step in reader.steps]
    return [step for step in steps if step] if len(steps) >= _LEAST_STEPS else []


class _Steps(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []
        self._lists: list[str] = []  # open lists, the outermost first
        self._done = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if self._done:
            return
        if tag == "ol" or (tag == "ul" and self._lists):
            self._lists.append(tag)
        elif tag == "li" and len(self._lists) == 1:
            self.steps.append("")
        elif self.steps:
            self.steps[-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if self._lists and tag == self._lists[-1]:
            self._lists.pop()
            self._done = not self._lists
        elif self.steps and tag in ("p", "li", "div", "pre"):
            self.steps[-1] += " "

    def handle_data(self, data: str) -> None:
        if self._lists and self.steps and not self._done:
            self.steps[-1] += data
