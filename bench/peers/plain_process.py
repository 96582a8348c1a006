"""The process of plain sentence-transformers + FAISS.

python -m bench.peers.plain_process index MODEL ARTICLES FOLDER
python -m bench.peers.plain_process serve MODEL FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import faiss
import torch

from bench.peers.served import serve
from bench.peers.texts import read
from bench.plain import PlainSearch


def set_threads(count: int) -> None:
    torch.set_num_threads(count)
    faiss.omp_set_num_threads(count)


def main() -> None:
    what, model, *paths = sys.argv[1:]
    plain = PlainSearch(Path(model))
    if what == "index":
        plain.index(*read(Path(paths[0])))
        plain.save(Path(paths[1]))
        return
    plain.open(Path(paths[0]))
    serve(plain.search, set_threads)


if __name__ == "__main__":
    main()
