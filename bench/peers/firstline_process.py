"""Firstline's process: the snapshot that `firstline index` wrote, asked as the server asks it.

python -m bench.peers.firstline_process DATA
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.peers.served import serve
from kb.search import Query, Searcher
from kb.snapshot import open_current


def main() -> None:
    searcher = Searcher(open_current(Path(sys.argv[1])))

    def search(text: str) -> list[str]:
        return [searcher.entry(hit.article).article.id for hit in searcher.rank(Query(text)).hits]

    serve(search)


if __name__ == "__main__":
    main()
