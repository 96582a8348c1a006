"""Questions that articles are known to have answered, as evidence for ranking."""

from __future__ import annotations

from dataclasses import dataclass

#: A question is cut here before anything is computed; a ticket of 20,000 words says what it wants far earlier.
MAX_CHARACTERS = 8_000


def whole(text: str, body: str) -> str:
    """What an encoder reads of a question, or of a ticket's subject and body."""
    return (f"{text}\n{body}".strip() if body.strip() else text)[:MAX_CHARACTERS]


@dataclass(frozen=True, slots=True)
class LearnedQuestion:
    """A question that an article is known to have answered. `weight` is how far it is trusted, above 0 to 1.

    `article` is an article's id, without language. `text` is the question, or the subject of a ticket; `body` the
    text of the ticket.
    """

    id: str
    article: str
    text: str
    body: str = ""
    weight: float = 1.0

    @property
    def full(self) -> str:
        return whole(self.text, self.body)
