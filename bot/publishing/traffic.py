"""Articles that a publication takes away although people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.learning import LearningStore
from bot.publishing.publication import Finding
from bot.readership import PERIOD, ReadStore
from kb.snapshot import Snapshot

_EVERY_ARTICLE = 1_000_000


def missed(
    before: Snapshot, candidate: Snapshot, reads: ReadStore, learning: LearningStore, now: datetime
) -> Iterator[Finding]:
    """A warning for each article that is gone, was read or learned of, and leads nowhere now.

    Raises StoreUnavailable.
    """
    there = {entry.article.id for entry in candidate.entries}
    there |= {old for entry in candidate.entries for old in entry.article.redirect_from}
    gone = {entry.article.id: entry.article for entry in before.entries if entry.article.id not in there}
    read = dict(reads.most_read((now - PERIOD).date(), _EVERY_ARTICLE)) if gone else {}
    for article_id, article in sorted(gone.items()):
        learned = learning.find(article=article_id, status="active", limit=0).total
        if not read.get(article_id) and not learned:
            continue
        told = [
            *([f"was read {_times(read[article_id])} in the last {PERIOD.days} days"] if read.get(article_id) else []),
            *(
                [f"{learned} learned questions lead to it" if learned > 1 else "a learned question leads to it"]
                * bool(learned)
            ),
        ]
        fix = f"Add `redirect_from: [{article_id}]` to the article that answers this now, or leave it if none does."
        words = f"The article “{article.id}” is gone, and {' and '.join(told)}."
        yield Finding(article.path, 0, "deleted-article", "warning", words, fix, (article.audience,))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
