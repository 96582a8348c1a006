"""Articles of one language that say nearly the same, by the encoder that the help centre searches with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from kb.build import open_encoders
from kb.check.identity import text_alone
from kb.check.pages import Page, Pages
from kb.check.report import Finding, warning
from kb.embedding import Embedder
from kb.links import Resolver
from kb.markdown import Targets, render
from kb.models import Passage
from kb.passages import split
from kb.routing import models_for, readers
from kb.sheets import Progress, embed
from kb.vector_cache import VectorCache, cache_file
from kb.vectors import FaissStore

#: Mean cosine of each passage with the likest one of the other article, both ways; docs/check.md says how it was set.
LIKENESS = 0.93
#: Passages looked at for each passage.
_NEIGHBOURS = 12


def near_duplicates(pages: Pages, data: Path, model: str, progress: Progress) -> Iterator[Finding]:
    """Embeds what `data` does not hold yet. Raises EncoderError, OSError, and sqlite3.Error for a damaged cache."""
    by_lang: dict[str, list[Page]] = defaultdict(list)
    for page in pages.living:
        by_lang[page.lang].append(page)
    _, embedders = open_encoders(data, models_for(model, by_lang), progress)
    with VectorCache(cache_file(data)) as cache:
        for lang, of_lang in sorted(by_lang.items()):
            embedder = readers(embedders, lang)[0]
            for page, other, likeness in _alike(pages, of_lang, embedder, cache, progress):
                place = f"{other.path}:{other.row}" if other.row else other.path
                message = f"It says nearly the same as {place} (likeness {likeness:.2f})."
                fix = "Make one article of the two, or say at the top of each what it is for and what not."
                yield warning(page.path, page.row or 1, "near-duplicate", message, fix)


def _alike(
    pages: Pages, of_lang: Sequence[Page], embedder: Embedder, cache: VectorCache, progress: Progress
) -> list[tuple[Page, Page, float]]:
    """Pairs from LIKENESS on, each once, the later page first."""
    passages, owners = _passages(pages, of_lang, embedder)
    if not passages:
        return []
    vectors, _ = embed(passages, embedder, cache, progress)
    scores, rows = FaissStore.of(vectors).search(vectors, _NEIGHBOURS)
    best: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for row, (near, found) in enumerate(zip(scores, rows, strict=True)):
        for score, other in zip(near.tolist(), found.tolist(), strict=True):
            if owners[other] != owners[row]:
                known = best[owners[row], owners[other]]
                known[row] = max(known.get(row, 0.0), score)
    counts = np.bincount(owners, minlength=len(of_lang))
    pairs = []
    for (one, other), of_one in best.items():
        of_other = best.get((other, one))
        if one > other and of_other:
            covered = sum(of_one.values()) / counts[one], sum(of_other.values()) / counts[other]
            if min(covered) >= LIKENESS and _differ(of_lang[one], of_lang[other]):
                pairs.append((of_lang[one], of_lang[other], float(min(covered))))
    return sorted(pairs, key=lambda pair: (pair[0].path, pair[0].row, pair[1].path))


def _differ(one: Page, other: Page) -> bool:
    """Two of one id, and copies, are told without an encoder; two audiences may be told the same thing apart."""
    assert one.article is not None  # noqa: S101 - living
    assert other.article is not None  # noqa: S101
    if text_alone(one.article) == text_alone(other.article):
        return False
    return one.article.id != other.article.id and one.article.audience == other.article.audience


def _passages(pages: Pages, of_lang: Sequence[Page], embedder: Embedder) -> tuple[list[Passage], list[int]]:
    """The passages of the texts as a build cuts them, and which page each is of."""
    resolver = Resolver(pages.source if pages.source.is_dir() else None, {})
    count = lru_cache(maxsize=4096)(embedder.count_tokens)
    passages: list[Passage] = []
    owners: list[int] = []
    for number, page in enumerate(of_lang):
        article = page.article
        if article is None:
            continue
        targets = Targets(include=lambda path, article=article: resolver.fragment(article, path))  # type: ignore[misc]
        rendered = render(article.body, first_line=article.body_line, lang=article.lang, targets=targets)
        body = [passage for passage in split(article, rendered, count, embedder.max_tokens) if passage.kind == "body"]
        passages += body
        owners += [number] * len(body)
    return passages, owners
