"""What a build makes of each article alone: its sections and passages, the terms in them, and their vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from kb import analysis
from kb.embedding import Embedder, Vectors
from kb.links import Resolver
from kb.markdown import Targets, render
from kb.models import Article, Passage, Section
from kb.passages import article_terms, split
from kb.routing import readers
from kb.vector_cache import VectorCache

_EMBED_AT_ONCE = 64

#: Is told a stage, how much of it is done, and of how much.
Progress = Callable[[str, int, int], None]
#: What an article asks of its source: where a link leads, the address of a picture, the text of a fragment.
_Wish = Literal["link", "picture", "fragment"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """An article as a snapshot holds it.

    `words` are the weighted frequencies of its terms, `units` how often each passage has its terms. `told` is what the
    source answered when it was rendered: where it would answer otherwise, the article has to be rendered anew.
    """

    article: Article
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    words: dict[str, float]
    units: tuple[Counter[str], ...]
    told: tuple[tuple[_Wish, str, str | None], ...]

    def holds(self, resolver: Resolver) -> bool:
        """Whether the source still answers as it did; `resolver` then knows the pictures."""
        return all(_ask(resolver, self.article, wish, what) == said for wish, what, said in self.told)


class Cutter:
    """Renders articles and cuts them into passages that fit some encoders."""

    def __init__(self, embedders: Sequence[Embedder]) -> None:
        self._embedders = embedders
        self._counts = {id(embedder): lru_cache(maxsize=4096)(embedder.count_tokens) for embedder in embedders}

    def sheet(self, article: Article, resolver: Resolver) -> Sheet:
        """The sheet of an article whose links and pictures `resolver` finds."""
        told: list[tuple[_Wish, str, str | None]] = []

        def ask(wish: _Wish, what: str) -> str | None:
            said = _ask(resolver, article, wish, what)
            told.append((wish, what, said))
            return said

        targets = Targets(
            lambda href: str(ask("link", href)),
            lambda src: str(ask("picture", src)),
            lambda path: ask("fragment", path),
        )
        rendered = render(article.body, first_line=article.body_line, lang=article.lang, targets=targets)
        reader = readers(self._embedders, article.lang)[0]
        passages = tuple(split(article, rendered, self._counts[id(reader)], reader.max_tokens))
        return Sheet(
            article,
            rendered.sections,
            passages,
            article_terms(article, passages),
            tuple(Counter(analysis.terms(passage.embedded, (article.lang,))) for passage in passages),
            tuple(told),
        )


def _ask(resolver: Resolver, article: Article, wish: _Wish, what: str) -> str | None:
    if wish == "link":
        return resolver.link(article, what)
    return resolver.picture(article, what) if wish == "picture" else resolver.fragment(article, what)


def embed_sheets(
    sheets: Sequence[Sheet],
    embedder: Embedder,
    among: Sequence[Embedder],
    cache: VectorCache,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Vectors, int]:
    """As `embed`, of all passages of all sheets, with rows of zeros for languages that `embedder` does not read.

    `among` are all the encoders there are.
    """
    passages = [passage for sheet in sheets for passage in sheet.passages]
    langs = [sheet.article.lang for sheet in sheets for _ in sheet.passages]
    mine = {lang: embedder in readers(among, lang) for lang in set(langs)}
    rows = np.array([row for row, lang in enumerate(langs) if mine[lang]], np.int64)
    vectors = np.zeros((len(passages), embedder.dimension), np.float32)
    vectors[rows], embedded = embed([passages[row] for row in rows], embedder, cache, progress)
    return vectors, embedded


def embed(
    passages: Sequence[Passage],
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Vectors, int]:
    """Vectors of all passages, float32 of shape (len(passages), dimension), and how many texts had to be embedded.

    Author questions are read as questions, since questions are what they are compared with.
    """
    roles = ["query" if passage.kind == "question" else "passage" for passage in passages]
    keys = [
        cache.key(embedder.fingerprint, role, passage.embedded) for role, passage in zip(roles, passages, strict=True)
    ]
    vectors = np.empty((len(passages), embedder.dimension), np.float32)
    missing: dict[bytes, list[int]] = {}
    for row, key in enumerate(keys):
        if (vector := cache.get(key)) is not None:
            vectors[row] = vector
        else:
            missing.setdefault(key, []).append(row)
    # Texts of one length together fill a batch without padding.
    order = sorted(missing, key=lambda key: len(passages[missing[key][0]].embedded))
    for start in range(0, len(order), _EMBED_AT_ONCE):
        progress("Embedding", start, len(order))
        batch = order[start : start + _EMBED_AT_ONCE]
        for role, method in (("query", embedder.embed_queries), ("passage", embedder.embed_passages)):
            part = [key for key in batch if roles[missing[key][0]] == role]
            if not part:
                continue
            made = method([passages[missing[key][0]].embedded for key in part])
            cache.put(part, made)
            for key, vector in zip(part, made, strict=True):
                vectors[missing[key]] = vector
    progress("Embedding", len(order), len(order))
    return vectors, len(order)
