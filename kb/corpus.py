"""What an encoder is trained on: the different texts of a knowledge base, and which questions are held out."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kb.detect import detect, speaks_english
from kb.errors import TrainingDataError
from kb.learned import LearnedQuestion
from kb.snapshot import Snapshot

#: Of a hundred questions 15 are held out; fewer of those could not show any gain beyond chance.
LEAST_QUESTIONS = 100
LEAST_ARTICLES = 20

#: Share of the questions that are never trained on, and how many of them at most: they say when to stop and whether
#: it helped.
_HELD_OUT = 0.15
_MOST_HELD_OUT = 300
#: Passages in the bank; a larger base gives the first ones of each article.
_MOST_PASSAGES = 4000


@dataclass(frozen=True, slots=True)
class Example:
    """A question, or a ticket's subject and body, and the id of the article that answers it."""

    text: str
    article: str


def gather(
    snapshot: Snapshot, learned: Sequence[LearnedQuestion], languages: Sequence[str]
) -> tuple[list[Example], list[tuple[str, str]]]:
    """The author questions and learned questions of a snapshot, and (article id, text) of its titles and passages.

    Only what an encoder for `languages` reads (empty: all). Learned questions of articles that are gone are left out.
    """
    examples: list[Example] = []
    passages: list[tuple[str, str]] = []
    for number, passage in zip(snapshot.owner, snapshot.passages, strict=True):
        article = snapshot.entries[number].article
        if languages and article.lang not in languages:
            continue
        if passage.kind == "question":
            examples.append(Example(passage.embedded, article.id))
        else:
            passages.append((article.id, passage.embedded))
    known = {article for article, _ in passages}

    def readable(text: str) -> bool:
        # A base with one encoder reads every question with it, whatever its language.
        if not languages or len(snapshot.encoders) == 1:
            return True
        return (
            detect(text, snapshot.languages) or ("en" if speaks_english(text, snapshot.languages) else "")
        ) in languages

    examples += [Example(q.full, q.article) for q in learned if q.article in known and readable(q.full)]
    return examples, passages


def check_enough(examples: Sequence[Example]) -> None:
    """Raises TrainingDataError, which says how much is missing, where there is too little to train on."""
    texts = {(folded(example.text), example.article) for example in examples}
    pairs = sum(count > 1 for count in Counter(article for _, article in texts).values())
    missing = [
        f"{found} {what}, {least - found} fewer than the {least} it takes"
        for what, found, least in (
            ("different questions", len({text for text, _ in texts}), LEAST_QUESTIONS),
            ("articles with two questions or more", pairs, LEAST_ARTICLES),
        )
        if found < least
    ]
    if missing:
        raise TrainingDataError(
            f"Too little to train on: {'; '.join(missing)}. Add questions to the articles' front matter, or learn from "
            "solved tickets first. Nothing was changed."
        )


@dataclass(frozen=True, slots=True)
class Corpus:
    """The texts of a training: each different text once, with the articles it belongs to.

    `questions` are the positions of those trained on, `held_out` of those that are not; all other positions are
    passages. `held_out_examples` are positions in the examples, in the order of `held_out`.
    """

    texts: tuple[str, ...]
    articles: tuple[frozenset[str], ...]
    questions: tuple[int, ...]
    held_out: tuple[int, ...]
    held_out_examples: tuple[int, ...]

    @classmethod
    def of(cls, examples: Sequence[Example], passages: Sequence[tuple[str, str]], seed: int) -> Corpus:
        """Each article keeps at least one question to be trained on."""
        owners: dict[str, set[str]] = {}
        first: dict[str, int] = {}
        for position, example in enumerate(examples):
            owners.setdefault(folded(example.text), set()).add(example.article)
            first.setdefault(folded(example.text), position)
        keys = list(owners)
        left = Counter(article for articles in owners.values() for article in articles)
        held: list[int] = []
        order = list(range(len(keys)))
        random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw
        for number in order:
            if len(held) >= min(math.ceil(_HELD_OUT * len(keys)), _MOST_HELD_OUT):
                break
            if all(left[article] > 1 for article in owners[keys[number]]):
                left.subtract(owners[keys[number]])
                held.append(number)
        held.sort()
        taken = _first_passages(passages)
        return cls(
            texts=(*(examples[first[key]].text for key in keys), *(text for _, text in taken)),
            articles=(*(frozenset(owners[key]) for key in keys), *(frozenset([article]) for article, _ in taken)),
            questions=tuple(sorted(set(range(len(keys))) - set(held))),
            held_out=tuple(held),
            held_out_examples=tuple(first[keys[number]] for number in held),
        )


def _first_passages(passages: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """At most _MOST_PASSAGES: the first of each article, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    turns: list[int] = []
    for article, _ in passages:
        turns.append(seen[article])
        seen[article] += 1
    order = sorted(range(len(passages)), key=lambda number: turns[number])
    return [passages[number] for number in sorted(order[:_MOST_PASSAGES])]


def folded(text: str) -> str:
    """What two texts have in common that count as the same one: case and spaces do not matter."""
    return " ".join(text.casefold().split())
