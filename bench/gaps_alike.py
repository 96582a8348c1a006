"""Whether gaps of one problem in two languages find each other, on tickets with the same help article.

    python -m bench.gaps_alike EVAL_FOLDER

Tickets are gathered language by language, as in bench.gaps. An Italian or Dutch gap with a linked article looks for
English ones with the same article among all English gaps that have one: is the nearest one right, are any of the five
nearest, and how many would be by chance. By the multilingual encoder, over so many of the most central questions of
each gap, as subjects or as whole tickets, without and with what a language shares taken off.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from bench.alike import _CACHE, _read
from bench.gaps import _SETS, _failure
from bot.alike import vectors_of
from bot.gaps import reading
from bot.gaps.alike import MOST, centred
from bot.gaps.cluster import group
from bot.gaps.models import Failure
from kb import analysis
from kb.embedding import open_encoder
from kb.lexical import Bm25
from kb.search import Searcher
from kb.vector_cache import VectorCache

Labelled = tuple[set[str], list[Failure]]


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("folder", type=Path)
    folder = given.parse_args().folder
    (encoder,) = Path("build/encoders").glob("multilingual-e5-small-*")
    reader = open_encoder(encoder)
    found = {lang: _gaps(folder, name, lang, file) for name, lang, file in _SETS[:3]}
    with VectorCache(_CACHE) as cache:
        for whole in (False, True):
            for central in (1, 3, 5, 8):
                meanings = {lang: _meanings(reader, gaps, whole, central, cache) for lang, gaps in found.items()}
                for taken_off in (False, True):
                    made = {
                        lang: centred(vectors, [lang] * len(vectors)) if taken_off else vectors
                        for lang, vectors in meanings.items()
                    }
                    shares = "  ".join(f"{lang} {_found(found, made, lang)}" for lang in ("it", "nl"))
                    print(f"{'ticket' if whole else 'subject':8}{central:2} {'centred' if taken_off else '':8}{shares}")


def _gaps(folder: Path, name: str, lang: str, file: str) -> list[Labelled]:
    """The linked articles of each gap that has any, and its most central questions."""
    (encoder,) = Path("build/encoders").glob(f"{name}-*")
    embedder = open_encoder(encoder)
    rows = sorted(_read(folder / "tickets" / file), key=lambda row: (row["created"], str(row["id"])))
    docs = _read(folder / "thunderbird" / "docs.jsonl")
    index = Bm25.of([analysis.terms(f"{doc['title']} {doc['body']}", ("en",)) for doc in docs])
    snapshot = SimpleNamespace(encoders=[SimpleNamespace(embedder=embedder)], words=index, id="")
    searcher = cast(Searcher, SimpleNamespace(snapshot=snapshot, language=lambda _: lang))
    failures = [_failure(row, lang) for row in rows]
    newest = [(failure.text, lang) for failure in failures[-reading.NEWEST :]]
    (read,) = reading.read(searcher, failures, _CACHE, reading.Rarity().among(searcher, newest))
    members = defaultdict(list)
    for row, root in enumerate(group(read.vectors, np.ones(len(rows), np.int64), read.threshold).tolist()):
        members[root].append(row)
    labelled = []
    for mine in members.values():
        if labels := {article for row in mine for article in rows[row]["linked_kb"]}:
            near = read.vectors[mine] @ read.vectors[mine].mean(0)
            labelled.append((labels, [failures[mine[at]] for at in np.argsort(-near, kind="stable")]))
    return labelled


def _meanings(reader: Any, gaps: list[Labelled], whole: bool, central: int, cache: VectorCache) -> Any:
    owner = [n for n, (_, failures) in enumerate(gaps) for _ in failures[:central]]
    texts = [each.full if whole else each.text for _, failures in gaps for each in failures[:central]]
    total = np.zeros((len(gaps), reader.dimension), np.float32)
    np.add.at(total, owner, np.array(vectors_of(reader, texts, cache), np.float32))
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def _found(gaps: dict[str, list[Labelled]], meanings: dict[str, Any], lang: str) -> str:
    english = [labels for labels, _ in gaps["en"]]
    first = several = chance = asked = 0.0
    for row, (labels, _) in enumerate(gaps[lang]):
        right = np.array([bool(labels & other) for other in english])
        if right.any():
            best = right[np.argsort(-(meanings["en"] @ meanings[lang][row]), kind="stable")]
            asked, first, several = asked + 1, first + best[0], several + best[:MOST].any()
            chance += 1 - (1 - right.mean()) ** MOST
    shares = f"nearest {first / asked:.1%}, {MOST} nearest {several / asked:.1%} (chance {chance / asked:.1%})"
    return f"{asked:.0f} gaps: {shares}"


if __name__ == "__main__":
    main()
