"""What fine-tuning (kb/train.py) brings to retrieval by vectors alone, before and after, on held-out development data.

    python -m bench.train EVAL_FOLDER [SET]

Learned are the articles with their author questions, of the Thunderbird tickets the oldest four fifths; asked are
questions that training never saw. Three ways to read the neighbours of a question: the nearest text of an article, the
mean of its nearest three, and the sum over all of them that training itself looks at.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

os.environ["HF_HUB_OFFLINE"] = "1"

from bench.sets import DATA, Rows, intents, thunderbird_tickets
from bot.evaluate import index
from bot.metrics import auroc
from kb.build import BuildSettings
from kb.corpus import Example
from kb.embedding import HashEmbedder
from kb.export import DEFAULT_MODEL, find
from kb.train import fine_tune

_TEMPERATURE = 0.05
#: Share of the answerable questions that are to be answered when false answers are counted.
_KEPT = 0.9

Floats = NDArray[np.float32]


def main() -> None:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    readings = ("nearest", "best three", "sum")
    print(f"{'hit@1 hit@3':28}" + "".join(f"{name:>14}" for name in readings) + "   false answers, AUROC  seconds")
    for name, examples, passages, asked in sets(folder):
        if wanted and name not in wanted:
            continue
        target = DATA / "trained" / name
        shutil.rmtree(target, ignore_errors=True)
        source = find(DEFAULT_MODEL).unpack()
        report = fine_tune(source, examples, passages, target, progress=show_progress)
        show(f"{name} before", source, examples, passages, asked, "")
        if report.best_epoch:
            show(f"{name} after", target, examples, passages, asked, f"{report.seconds:.0f}")
        low, high = report.interval
        print(
            f"    {report.questions} questions, {report.articles} articles, {report.passages} passages; "
            f"epoch {report.best_epoch} of {report.epochs}; {len(report.held_out)} held out: "
            f"{np.mean(report.hits_before):.3f} -> {np.mean(report.hits_after):.3f}, "
            f"{report.gain:+.3f} [{low:+.3f}, {high:+.3f}]",
            flush=True,
        )


def sets(folder: Path) -> Iterable[tuple[str, list[Example], list[tuple[str, str]], Rows]]:
    """(name, examples, passages, questions to ask) of each set."""
    tickets = thunderbird_tickets(folder)
    old, new = tickets[: int(len(tickets) * 0.8)], tickets[int(len(tickets) * 0.8) :]
    solved = [Example(text(row), article) for row in old for article in row["relevant"]]
    yield "thunderbird", solved, texts(folder / "thunderbird" / "docs.jsonl", questions=False), new
    for name in ("clinc150", "banking77"):
        articles, asked = intents(folder, name, ("train", "test"))
        written = [Example(question, article) for article, question in texts(articles, questions=True)]
        yield name, written, texts(articles, questions=False), asked


def texts(articles: Path, *, questions: bool) -> list[tuple[str, str]]:
    """(article, text) of the author questions, or of all other passages."""
    # What is embedded with is of no account here: the fake encoder is the fast one.
    snapshot = index(articles, DATA, BuildSettings(model=HashEmbedder.NAME)).snapshot
    return [
        (snapshot.entries[owner].article.id, passage.embedded)
        for owner, passage in zip(snapshot.owner, snapshot.passages, strict=True)
        if (passage.kind == "question") == questions
    ]


def text(row: dict[str, str]) -> str:
    return f"{row['query']}\n{row.get('body') or ''}".strip()


def show(
    name: str,
    encoder: Path,
    examples: Sequence[Example],
    passages: Sequence[tuple[str, str]],
    asked: Rows,
    seconds: str,
) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(encoder), device="cpu")

    def embed(lines: Sequence[str]) -> Floats:
        return np.asarray(model.encode(list(lines), normalize_embeddings=True, show_progress_bar=False), np.float32)

    owners = [example.article for example in examples] + [article for article, _ in passages]
    known = sorted(set(owners))
    rows = [[n for n, owner in enumerate(owners) if owner == article] for article in known]
    bank = embed([example.text for example in examples] + [line for _, line in passages])
    near = embed([text(row) for row in asked]) @ bank.T
    readings = [
        np.stack([near[:, own].max(1) for own in rows], 1),
        np.stack([np.sort(near[:, own], 1)[:, -3:].mean(1) for own in rows], 1),
        np.log(np.stack([np.exp((near[:, own] - 1) / _TEMPERATURE).sum(1) for own in rows], 1)),
    ]
    answerable = np.array([bool(row["relevant"]) for row in asked])
    cells = []
    for scores in readings:
        best = np.argsort(-scores, 1)[:, :3]
        ranked = [[known[n] for n in row] for row in best]
        hits = [
            np.mean(
                [
                    bool(set(ids[:k]) & set(row["relevant"]))
                    for ids, row in zip(ranked, asked, strict=True)
                    if row["relevant"]
                ]
            )
            for k in (1, 3)
        ]
        cells.append(f"{hits[0]:8.3f} {hits[1]:.3f}")
    foreign = ""
    if not answerable.all():
        sure = readings[2].max(1)
        answered = sure >= np.quantile(sure[answerable], 1 - _KEPT)
        foreign = f"{np.mean(answered[~answerable]):.1%}, {auroc(sure, answerable):.3f}"
    print(f"{name:28}" + "".join(cells) + f"{foreign:>24}{seconds:>9}", flush=True)


def show_progress(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"\r{stage:40}", end="\r", file=sys.stderr)
    elif done % 10 == 0:
        print(f"\r{stage} {done} of {total}", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
