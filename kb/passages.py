"""Cuts rendered articles into passages: the pieces that are embedded and searched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from kb import analysis
from kb.blocks import Block
from kb.markdown import Rendered
from kb.models import Article, Passage

CountTokens = Callable[[str], int]

#: Longest passage body in tokens of the encoder: most sections of a help article fit whole, and with title and headings
#: in front a passage stays below the 256 tokens that all-MiniLM-L6-v2 reads.
TARGET_TOKENS = 200
#: How often a term of these parts counts in the index over whole articles: a title says more than a paragraph.
_FIELD_WEIGHTS = {"title": 3.0, "keywords": 2.0, "question": 1.5, "heading": 1.5, "body": 1.0}

_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])|\n+")


def split(article: Article, rendered: Rendered, count: CountTokens, max_tokens: int) -> list[Passage]:
    """The passages of an article: its title, its opening heading if it says something else, each author question,
    then its text in reading order.

    A body passage stays within one section. `embedded` (title, heading path and text) is at most `max_tokens` long as
    counted by `count`; a block is cut only where it does not fit on its own, at item, row, line or sentence ends first.
    """
    titles = dict.fromkeys((article.title, rendered.heading or article.title))
    said = [Passage("title", text, _fit(text, max_tokens, count)) for text in titles]
    said += [Passage("question", text, _fit(text, max_tokens, count)) for text in article.questions]
    return [*said, *_body(article, rendered, count, max_tokens)]


def _body(article: Article, rendered: Rendered, count: CountTokens, max_tokens: int) -> Iterator[Passage]:
    for index, (section, blocks) in enumerate(zip(rendered.sections, rendered.blocks, strict=True)):
        prefix = _fit(" › ".join((article.title, *section.heading_path)), max_tokens // 2, count)
        room = min(TARGET_TOKENS, max_tokens - count(f"{prefix}\n") - 2)
        for text, run in _pack(blocks, room, count):
            yield Passage(
                kind="body",
                text=text,
                embedded=f"{prefix}\n{text}",
                html="\n".join(block.html for block in run),
                heading_path=section.heading_path,
                anchor=section.anchor,
                lines=_span(run),
                section=index,
            )
        if section.heading and not blocks:
            yield Passage(
                kind="body",
                text=section.heading,
                embedded=prefix,
                heading_path=section.heading_path,
                anchor=section.anchor,
                lines=section.lines,
                section=index,
            )


def _pack(blocks: tuple[Block, ...], room: int, count: CountTokens) -> Iterator[tuple[str, list[Block]]]:
    """Whole blocks together as long as they fit, a block that does not fit alone in pieces; each with its blocks."""
    held: list[Block] = []
    used = 0

    def flush() -> Iterator[tuple[str, list[Block]]]:
        nonlocal held, used
        if held:
            yield "\n\n".join(block.text for block in held), held
        held, used = [], 0

    for block in blocks:
        size = count(block.text)
        if size > room:
            yield from flush()
            for piece in _cut(block, room, count):
                yield piece, [block]
            continue
        if used + size > room:
            yield from flush()
        held.append(block)
        used += size
    yield from flush()


def _cut(block: Block, room: int, count: CountTokens) -> Iterator[str]:
    """A block in pieces of at most `room` tokens; a table's head row stands above each piece."""
    lead = block.lead if count(block.lead) <= room // 2 else ""
    parts = (block.lead, *block.parts) if block.lead and not lead else block.parts
    inner = room - count(lead) - 1 if lead else room
    held: list[str] = []
    used = 0
    for part, size in _sized(parts, inner, count):
        if held and used + size > inner:
            yield "\n".join([lead, *held] if lead else held)
            held, used = [], 0
        held.append(part)
        used += size
    if held or lead:
        yield "\n".join([lead, *held] if lead else held)


def _sized(parts: tuple[str, ...], room: int, count: CountTokens) -> Iterator[tuple[str, int]]:
    """Each part with its size, parts that are too long cut into sentences, then words, then characters."""
    for part in parts:
        size = count(part)
        if size <= room:
            yield part, size
            continue
        for sentence in _SENTENCE_END.split(part):
            if not sentence.strip():
                continue
            size = count(sentence)
            if size <= room:
                yield sentence, size
            else:
                for piece in _words(sentence, room, count):
                    yield piece, count(piece)


def _words(text: str, room: int, count: CountTokens) -> Iterator[str]:
    while text:
        piece = _fit(text, room, count)
        yield piece
        text = text[len(piece) :].lstrip()


def _fit(text: str, room: int, count: CountTokens) -> str:
    """The longest start of `text` of at most `room` tokens, ended at a space where there is one; never empty."""
    low, high = 1, min(len(text), 8 * max(room, 1))
    while count(text[:high]) <= room:  # counting all of a very long text for each of its pieces would take hours
        if high == len(text):
            return text
        low, high = high, min(len(text), 2 * high)
    while low < high:  # token counts grow with the text, so bisection finds the last fitting length
        middle = (low + high + 1) // 2
        if count(text[:middle]) <= room:
            low = middle
        else:
            high = middle - 1
    cut = text.rfind(" ", low // 2, low)
    return text[: cut if cut > 0 else low]


def _span(blocks: list[Block]) -> tuple[int, int]:
    lines = [block.lines for block in blocks if block.lines != (0, 0)]
    if not lines:
        return (0, 0)
    return (min(first for first, _ in lines), max(last for _, last in lines))


def article_terms(article: Article, passages: Sequence[Passage]) -> dict[str, float]:
    """Weighted term frequencies of a whole article, keywords included."""
    counts: dict[str, float] = {}

    def add(text: str, part: str) -> None:
        for term, count in _terms(text, part, article.lang).items():
            counts[term] = counts.get(term, 0.0) + count

    for keyword in article.keywords:
        add(keyword, "keywords")
    headings: dict[tuple[str, ...], None] = {}
    for passage in passages:
        add(passage.text, passage.kind)
        headings.setdefault(passage.heading_path)
    for path in headings:
        add(path[-1] if path else "", "heading")
    return counts


def terms_of(passages: Sequence[Passage], lang: str) -> dict[str, float]:
    """What passages add to the weighted term frequencies of their article, which is written in `lang`."""
    counts: dict[str, float] = {}
    for passage in passages:
        for term, count in _terms(passage.text, passage.kind, lang).items():
            counts[term] = counts.get(term, 0.0) + count
    return counts


def _terms(text: str, part: str, lang: str) -> dict[str, float]:
    return {term: _FIELD_WEIGHTS[part] * count for term, count in Counter(analysis.terms(text, (lang,))).items()}
