"""Questions that articles are known to have answered, as evidence for ranking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LearnedQuestion:
    """A question that an article is known to have answered. `weight` is how far it is trusted, 0 to 1.

    `article` is an article's id, without language. `text` is the question, or the subject of a ticket; `body` the
    text of the ticket.
    """

    id: str
    article: str
    text: str
    body: str = ""
    weight: float = 1.0
