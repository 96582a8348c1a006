"""txtai's process, as its documentation has it: `Embeddings(path=…, hybrid=True)`, dense vectors and BM25.

python -m bench.peers.txtai_process index MODEL ARTICLES FOLDER [whole]
python -m bench.peers.txtai_process serve MODEL FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from txtai import Embeddings

from bench.peers.served import serve
from bench.peers.texts import read

_ARTICLES = 10
#: An article may have several texts among the best.
_TEXTS = 3 * _ARTICLES


def index(model: str, articles: Path, folder: Path, *, whole: bool) -> None:
    ids, texts = read(articles, whole=whole)
    embeddings = Embeddings(path=model, hybrid=True)
    embeddings.index((number, text, None) for number, text in enumerate(texts))
    embeddings.save(str(folder / "txtai"))
    (folder / "ids.json").write_text(json.dumps(ids), encoding="utf-8")


def main() -> None:
    what, model, *paths = sys.argv[1:]
    if what == "index":
        index(model, Path(paths[0]), Path(paths[1]), whole="whole" in paths[2:])
        return
    folder = Path(paths[0])
    ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    embeddings = Embeddings()
    embeddings.load(str(folder / "txtai"))

    def search(text: str) -> list[str]:
        found = embeddings.search(text, _TEXTS)
        return list(dict.fromkeys(ids[number] for number, _ in found))[:_ARTICLES]

    serve(search, torch.set_num_threads)


if __name__ == "__main__":
    main()
