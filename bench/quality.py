"""hit@k of the default line beside plain sentence-transformers + FAISS on the same articles, and how honest it is.

    python -m bench.quality EVAL_FOLDER

EVAL_FOLDER holds development data in the form docs/quality.md describes. Prints a table; takes some minutes.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

from bench.plain import PlainSearch
from bot.decide import Policy
from bot.evaluate import Evaluation, run
from kb.articles import load
from kb.build import BuildSettings

#: Where sets and snapshots are kept, so that a second run embeds nothing.
DATA = Path("build/quality")
_SEED = 0

Rows = list[dict[str, Any]]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    print(f"{'questions nothing answers':36}{'asked':>8}{'answered':>10}")
    for name, articles, queries in foreign(folder):
        metrics = measure(articles, queries).metrics
        print(f"{name:36}{metrics['queries']:8}{metrics['false_answers'] / metrics['queries']:10.1%}", flush=True)
    print(f"\n{'set':36}{'queries':>8}{'hit@1':>8}{'hit@3':>8}{'plain@1':>9}{'plain@3':>9}{'ece':>7}{'auroc':>7}")
    for name, articles, queries in sets(folder):
        show(name, articles, queries)


def sets(folder: Path) -> Iterable[tuple[str, Path, Rows]]:
    """(name, articles, queries) of each development set with known right articles."""
    tickets = thunderbird_tickets(folder)
    yield "thunderbird tickets", folder / "thunderbird" / "docs.jsonl", tickets
    yield "thunderbird, newest fifth", folder / "thunderbird" / "docs.jsonl", tickets[int(len(tickets) * 0.8) :]
    yield "officedocs symptoms", without_symptoms(folder), read(folder / "officedocs" / "queries_symptom.jsonl")
    yield "clinc150, 5 questions a label", *intents(folder, "clinc150", ("train", "test"))
    yield "banking77, 5 questions a label", *intents(folder, "banking77", ("train", "test"))


def foreign(folder: Path) -> Iterable[tuple[str, Path, Rows]]:
    """(name, articles, queries) where no article answers: what must not be answered."""
    rows = [row for row in read(folder / "intents" / "clinc150.jsonl") if row["oos"]]
    outside = unanswerable(rows)
    banking = unanswerable(sample(read(folder / "intents" / "banking77_test.jsonl"), 1000))
    own = Path("articles")
    yield "clinc150 out of scope, own articles", own, outside
    yield "banking77, own articles", own, banking
    yield "clinc150 out of scope, thunderbird", folder / "thunderbird" / "docs.jsonl", outside
    yield "banking77, thunderbird", folder / "thunderbird" / "docs.jsonl", banking


def thunderbird_tickets(folder: Path) -> Rows:
    """Subject and body of real tickets, oldest first, weak labels left out."""
    rows = [row for row in read(folder / "thunderbird" / "queries_en.jsonl") if row["strength"] != "weak"]
    return sorted(rows, key=lambda row: str(row["created"]))


def without_symptoms(folder: Path) -> Path:
    """Articles with the section that the symptom queries were taken from left out."""
    docs = read(folder / "officedocs" / "docs.jsonl")
    rows = [{"id": d["id"], "title": d["title"], "body": d.get("body_no_symptoms") or d["body"]} for d in docs]
    return write(DATA / "officedocs.jsonl", rows)


def intents(folder: Path, name: str, splits: tuple[str, str]) -> tuple[Path, Rows]:
    """Labels as articles with five author questions each, and other questions of the same labels to ask."""
    parts = sorted((folder / "intents").glob(f"{name}*.jsonl"))
    rows = [row for part in parts for row in read(part)]
    by_label: dict[str, list[str]] = {}
    for row in rows:
        if row["split"] == splits[0] and not row["oos"]:
            by_label.setdefault(row["label"], []).append(row["query"])
    chance = random.Random(_SEED)  # noqa: S311 - a reproducible draw
    docs = [
        {"id": label, "title": label.replace("_", " "), "body": "", "questions": chance.sample(questions, 5)}
        for label, questions in sorted(by_label.items())
    ]
    asked = [
        {"id": row["id"], "query": row["query"], "relevant": [] if row["oos"] else [row["label"]]}
        for row in rows
        if row["split"] == splits[1]
    ]
    return write(DATA / f"{name}.jsonl", docs), sample(asked, 2000)


def show(name: str, articles: Path, queries: Rows) -> None:
    metrics = measure(articles, queries).metrics
    plain = PlainSearch()
    # What five author questions are to the plain search: one more text of the article.
    documents = load(articles).articles
    plain.index([d if d.body else _with_questions_as_body(d) for d in documents])
    answerable = [row for row in queries if row["relevant"]]
    found = [plain.search(f"{row['query']}\n{row.get('body') or ''}".strip(), 3) for row in answerable]
    hits = [
        sum(bool(set(ids[:k]) & set(row["relevant"])) for ids, row in zip(found, answerable, strict=True)) / len(found)
        for k in (1, 3)
    ]
    print(
        f"{name:36}{metrics['queries']:8}{metrics['hit@1']:8.3f}{metrics['hit@3']:8.3f}{hits[0]:9.3f}{hits[1]:9.3f}"
        f"{metrics['ece']:7.3f}{metrics['auroc_right']:7.3f}",
        flush=True,
    )


def measure(articles: Path, queries: Rows) -> Evaluation:
    return run(articles, write(DATA / "queries.jsonl", queries), DATA, BuildSettings(), Policy())


def unanswerable(rows: Rows) -> Rows:
    return [{"id": row["id"], "query": row["query"], "relevant": []} for row in rows]


def sample(rows: Rows, count: int) -> Rows:
    chance = random.Random(_SEED)  # noqa: S311 - a reproducible draw
    return chance.sample(rows, min(count, len(rows)))


def read(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, rows: Rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _with_questions_as_body(article: Any) -> Any:
    from dataclasses import replace

    return replace(article, body="\n".join(article.questions))


if __name__ == "__main__":
    main()
