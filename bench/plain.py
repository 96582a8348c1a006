"""The yardstick: what a weekend project does. sentence-transformers on torch, chunks of words, a flat FAISS index."""

from __future__ import annotations

from collections.abc import Sequence

import faiss
import numpy as np
from sentence_transformers import SentenceTransformer

from kb.export import DEFAULT_MODEL, find
from kb.models import Article

_CHUNK_WORDS = 150


class PlainSearch:
    """all-MiniLM-L6-v2 over chunks of 150 words with the title in front; an article scores as its best chunk."""

    def __init__(self) -> None:
        self.model = SentenceTransformer(str(find(DEFAULT_MODEL).unpack()), device="cpu")
        self._ids: list[str] = []

    def index(self, articles: Sequence[Article]) -> int:
        """Embeds all articles; returns the number of chunks."""
        chunks: list[str] = []
        for article in articles:
            words = article.body.split()
            for start in range(0, max(1, len(words)), _CHUNK_WORDS):
                chunks.append(f"{article.title}\n{' '.join(words[start : start + _CHUNK_WORDS])}")
                self._ids.append(article.id)
        vectors = self.model.encode(chunks, normalize_embeddings=True, show_progress_bar=False)
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.asarray(vectors, np.float32))
        return len(chunks)

    def search(self, text: str, k: int = 10) -> list[str]:
        """The ids of the best `k` articles."""
        vector = self.model.encode([text], normalize_embeddings=True, show_progress_bar=False)
        _, rows = self._index.search(np.asarray(vector, np.float32), min(20 * k, self._index.ntotal))
        return list(dict.fromkeys(self._ids[row] for row in rows[0]))[:k]
