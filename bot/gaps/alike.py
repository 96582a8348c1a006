"""Gaps like another one: the same problem in another language, or one that stands next to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from bot.alike import similarity
from bot.gaps.judge import shared_reader
from bot.gaps.models import Gap
from bot.gaps.store import GapStore
from kb.embedding import Vectors
from kb.search import Searcher

#: Less like it than this, on both scales, a gap is not shown: of pairs of gaps of one desk in two languages 1 % are as
#: near once what all of a language share is taken off (`bench/gaps_alike.py`, docs/quality.md).
_AT_LEAST, _SIMILAR = 0.25, 0.3
MOST = 5
#: Among so many of the largest gaps they are looked for; nobody reads beyond.
_AMONG = 10_000
#: Fewer gaps say nothing of what all have in common; what all have counts as much as so many gaps of one language.
_ENOUGH, _PRIOR = 50, 20


def alike(store: GapStore, searcher: Searcher, gap: Gap, now: datetime) -> tuple[Gap, ...]:
    """At most MOST gaps like this one, however they stand, the most alike first. Raises StoreUnavailable."""
    embedder = shared_reader(searcher)
    ids, langs, meanings = store.meanings(embedder.fingerprint, _AMONG)
    if gap.id not in ids or len(ids) < 2:
        return ()
    own = ids.index(gap.id)
    similar = similarity(meanings @ meanings[own], embedder.unrelated)
    apart = centred(meanings, langs)
    near = apart @ apart[own]
    fits = (similar >= _SIMILAR) & (near >= _AT_LEAST)
    fits[own] = False
    best = [row for row in np.argsort(-near, kind="stable").tolist() if fits[row]][:MOST]
    return tuple(store.some([ids[row] for row in best], now))


def centred(meanings: Vectors, langs: Sequence[str]) -> Vectors:
    """Meanings without what all gaps of their language have in common: float32 of shape (n, dimension), unit rows.

    What two texts of one language share, and what all of one desk share, is no sign of one problem; without this the
    nearest gap in another language is rather one that is near everything. Of few gaps nobody can tell; they stay.
    """
    if len(meanings) < _ENOUGH:
        return meanings
    shared = meanings.mean(0)
    made = np.empty_like(meanings)
    known = np.array(langs)
    for lang in set(langs):
        mine = known == lang
        made[mine] = meanings[mine] - (meanings[mine].sum(0) + _PRIOR * shared) / (_PRIOR + mine.sum())
    made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
    return made
