"""Through whose eyes the preview is seen: a reader's, an agent's, or those of somebody in a group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from bot.people import ANYBODY, Caller
from kb.models import INTERNAL, PUBLIC, Article

COOKIE = "firstline_preview"
READER, AGENT = "reader", "agent"


@dataclass(frozen=True, slots=True)
class Eyes:
    """`name` is READER, AGENT or the name of a group."""

    name: str

    @classmethod
    def of_cookie(cls, value: str | None) -> Eyes:
        return cls(unquote(value or "")[:200] or READER)

    @property
    def cookie(self) -> str:
        return quote(self.name, safe="")

    @property
    def audiences(self) -> frozenset[str]:
        if self.name == READER:
            return frozenset({PUBLIC})
        return frozenset({PUBLIC, INTERNAL if self.name == AGENT else self.name})

    @property
    def caller(self) -> Caller:
        """Somebody who sees what these eyes see, and may do nothing."""
        return ANYBODY if self.name == READER else Caller(audiences=self.audiences)


def choices(articles: Iterable[Article]) -> list[Eyes]:
    """All there is a difference between: a group counts where an article is for it."""
    groups = {article.audience for article in articles} - {PUBLIC, INTERNAL}
    return [Eyes(name) for name in (READER, AGENT, *sorted(groups))]
