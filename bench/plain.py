"""The yardstick: what a weekend project does. sentence-transformers on torch, chunks of words, a flat FAISS index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from sentence_transformers import SentenceTransformer


class PlainSearch:
    """Pieces of articles by cosine; an article scores as its best piece. `model` is a sentence-transformers folder."""

    def __init__(self, model: Path) -> None:
        self.model = SentenceTransformer(str(model), device="cpu")
        self._ids: list[str] = []

    def index(self, ids: Sequence[str], pieces: Sequence[str]) -> None:
        """Embeds all pieces; `ids` names the article of each."""
        self._ids = list(ids)
        vectors = self.model.encode(list(pieces), normalize_embeddings=True, show_progress_bar=False)
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.asarray(vectors, np.float32))

    def search(self, text: str, k: int = 10) -> list[str]:
        """The ids of the best `k` articles."""
        vector = self.model.encode([text], normalize_embeddings=True, show_progress_bar=False)
        _, rows = self._index.search(np.asarray(vector, np.float32), min(20 * k, self._index.ntotal))
        return list(dict.fromkeys(self._ids[row] for row in rows[0]))[:k]

    def save(self, folder: Path) -> None:
        faiss.write_index(self._index, str(folder / "plain.faiss"))
        (folder / "ids.json").write_text(json.dumps(self._ids), encoding="utf-8")

    def open(self, folder: Path) -> None:
        self._index = faiss.read_index(str(folder / "plain.faiss"))
        self._ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
