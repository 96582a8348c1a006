"""How often the right article stands first, and how honest confidence is, on development data.

    python -m bench.quality EVAL_FOLDER

EVAL_FOLDER holds development data in the form docs/quality.md describes. For each set: the whole line as it serves, and
beside it what one part alone would do, the nearest passage by the same encoder (dense) and BM25 with stems (words).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"

from bench import sets
from bench.peers.texts import chunks
from bench.plain import PlainSearch
from bench.sets import DATA, Rows, Set
from bot.decide import Policy
from bot.evaluate import Evaluation, index, run
from kb.articles import load
from kb.build import BuildSettings
from kb.export import DEFAULT_MODEL, find
from kb.rank import FEATURES
from kb.search import Query

_THRESHOLDS = np.linspace(0.0, 1.0, 101)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    print(f"{'questions nothing answers':38}{'asked':>7}{'answered':>10}")
    for data in sets.foreign(folder):
        metrics = measure(data, data.queries).metrics
        print(f"{data.name:38}{metrics['queries']:7}{metrics['false_answers'] / metrics['queries']:10.1%}", flush=True)
    head = f"{'set':38}{'asked':>7}{'hit@1':>7}{'hit@3':>7}{'dense':>14}{'words':>14}"
    print(f"\n{head}{'ece':>7}{'auroc':>7}{'answered (right)':>18}{'false':>7}")
    for data in sets.answerable(folder):
        show(data)
    show_plain(next(sets.answerable(folder)))
    print(f"\n{'bot':16}{'asked':>7}{'hit@1':>7}{'matthews':>10}{'best of 101 fixed cosines':>28}")
    for bot, folds in by_bot(folder).items():
        show_bot(bot, folds)


def show(data: Set) -> None:
    asked = data.held_out or data.queries
    metrics = measure(data, asked).metrics
    dense, words = (alone(data, asked, part) for part in ("nearest", "words"))
    print(
        f"{data.name:38}{metrics['queries']:7}{metrics['hit@1']:7.3f}{metrics['hit@3']:7.3f}{dense:>14}{words:>14}"
        f"{metrics['ece']:7.3f}{metrics['auroc_right']:7.3f}"
        f"{metrics['answered']:9} ({metrics['answered_correct'] / max(1, metrics['answered']):5.2f}) "
        f"{metrics['false_answers']:6}",
        flush=True,
    )


def alone(data: Set, asked: Rows, part: str) -> str:
    """hit@1 / hit@3 of one kind of evidence, nothing learned."""
    searcher = index(data.articles, DATA, BuildSettings(data.model))
    column, hits, count = FEATURES.index(part), np.zeros(2), 0
    for row in asked:
        if not row["relevant"]:
            continue
        found = searcher.find(Query(row["query"], row.get("body") or "", row.get("lang")))
        best = np.argsort(-found.evidence[:, column], kind="stable")[:3]
        right = [searcher.entry(int(found.articles[n])).article.id in row["relevant"] for n in best]
        hits += (any(right[:1]), any(right))
        count += 1
    return "/".join(f"{share:.3f}" for share in hits / max(1, count))


def show_plain(data: Set) -> None:
    """The yardstick of a weekend project, on the newest tickets."""
    plain = PlainSearch(find(DEFAULT_MODEL).unpack())
    texts = [
        (article.id, text) for article in load(data.articles).articles for text in chunks(article.title, article.body)
    ]
    plain.index([identifier for identifier, _ in texts], [text for _, text in texts])
    found = [plain.search(f"{row['query']}\n{row.get('body') or ''}".strip(), 3) for row in data.held_out]
    hits = [
        np.mean([bool(set(ids[:k]) & set(row["relevant"])) for ids, row in zip(found, data.held_out, strict=True)])
        for k in (1, 3)
    ]
    print(f"{data.name + ', plain MiniLM + FAISS':38}{len(found):7}{hits[0]:7.3f}{hits[1]:7.3f}")


def by_bot(folder: Path) -> dict[str, list[Set]]:
    bots: dict[str, list[Set]] = {}
    for data in sets.hint3(folder):
        bots.setdefault(data.name.split()[0], []).append(data)
    return bots


def show_bot(bot: str, folds: list[Set]) -> None:
    """Matthews correlation of answering with being right to answer: the default policy, and the best fixed cosine."""
    answered: list[bool] = []
    right: list[bool] = []
    answerable: list[bool] = []
    cosines: list[float] = []
    nearest_right: list[bool] = []
    for data in folds:
        searcher = index(data.articles, DATA, BuildSettings(data.model))
        for outcome in measure(data, data.queries).outcomes:
            answered.append(outcome.decision == "answer")
            right.append(outcome.first_is_right)
            answerable.append(bool(outcome.asked.relevant))
            found = searcher.find(outcome.asked.query)
            column = found.evidence[:, FEATURES.index("nearest")]
            first = int(np.argmax(column)) if len(column) else -1
            cosines.append(float(column[first]) if len(column) else 0.0)
            identifier = searcher.entry(int(found.articles[first])).article.id if len(column) else ""
            nearest_right.append(identifier in outcome.asked.relevant)
    own = matthews(np.array(answered), np.array(right))
    fixed = max(matthews(np.array(cosines) >= threshold, np.array(nearest_right)) for threshold in _THRESHOLDS)
    hit = np.sum(right) / np.sum(answerable)
    print(f"{bot:16}{len(answered):7}{hit:7.3f}{own:10.3f}{fixed:28.3f}", flush=True)


def matthews(answered: np.ndarray, right: np.ndarray) -> float:
    """Matthews correlation of two truths a question: that it was answered, and that the first article was right."""
    if answered.all() or not answered.any() or right.all() or not right.any():
        return 0.0
    return float(np.corrcoef(answered, right)[0, 1])


def measure(data: Set, asked: Rows) -> Evaluation:
    learned = data.held_out_learned if data.held_out else data.learned
    file = sets.write(DATA / "learned.jsonl", learned) if learned else None
    queries = sets.write(DATA / "queries.jsonl", asked)
    return run(data.articles, queries, DATA, BuildSettings(data.model), Policy(), learn=file)


if __name__ == "__main__":
    main()
