"""Development data as sets of articles and questions. docs/quality.md says what each is."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kb.routing import AUTO

#: Where sets and snapshots are kept, so that a second run embeds nothing.
DATA = Path("build/quality")
LANGUAGES = ("pl", "nl", "it", "ru")
_SEED = 0
_TICKETS_OLD = 0.8
#: Of the oldest tickets, those that are learned when the next ones fit the weights.
_TICKETS_OLDER = 0.6
_FOLDS = 5

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Set:
    """Questions asked of articles, after `learned` ones were learned.

    `held_out` questions were asked of the same articles but nothing may be fitted on them; where there are none, a half
    of `queries` is held out by whoever fits.
    """

    name: str
    articles: Path
    queries: Rows
    held_out: Rows = field(default_factory=list)
    learned: Rows = field(default_factory=list)
    held_out_learned: Rows = field(default_factory=list)
    model: str = AUTO

    @property
    def kind(self) -> str:
        """Sets of one kind in several languages count as one where weights are fitted."""
        first, _, last = self.name.rpartition(" ")
        return f"{first}, other languages" if len(last) == 2 else self.name


def answerable(folder: Path) -> Iterator[Set]:
    """Sets with known right articles."""
    docs = folder / "thunderbird" / "docs.jsonl"
    tickets = thunderbird_tickets(folder)
    older, old = tickets[: int(len(tickets) * _TICKETS_OLDER)], tickets[: int(len(tickets) * _TICKETS_OLD)]
    between, new = old[len(older) :], tickets[len(old) :]
    yield Set("thunderbird", docs, old, new)
    for count in (100, len(older)):
        name = f"thunderbird, {count} learned" if count < len(older) else "thunderbird, learned"
        late = old[-count:] if count < len(older) else old
        yield Set(name, docs, between, new, learned=older[-count:], held_out_learned=late)
    yield Set("officedocs symptoms", without_symptoms(folder), read(folder / "officedocs" / "queries_symptom.jsonl"))
    yield Set("clinc150, 5 a label", *intents(folder, "clinc150", ("train", "test")))
    yield Set("banking77, 5 a label", *intents(folder, "banking77", ("train", "test")))
    for lang in ("it", "nl", "es", "cs"):
        rows = [row for row in read(folder / "thunderbird" / f"queries_{lang}.jsonl") if row["strength"] != "weak"]
        yield Set(f"thunderbird {lang}", docs, rows, model="multilingual-e5-small")
    for lang in LANGUAGES:
        yield alchemy(folder, lang, every=4)


def foreign(folder: Path) -> Iterator[Set]:
    """Sets that nothing answers: what must not be answered."""
    outside = unanswerable([row for row in read(folder / "intents" / "clinc150.jsonl") if row["oos"]])
    banking = unanswerable(sample(read(folder / "intents" / "banking77_test.jsonl"), 1000))
    for articles, name in ((Path("articles"), "own articles"), (folder / "thunderbird" / "docs.jsonl", "thunderbird")):
        yield Set(f"clinc150 out of scope, {name}", articles, outside)
        yield Set(f"banking77, {name}", articles, banking)


def hint3(folder: Path) -> Iterator[Set]:
    """Each bot's questions in five folds: labels are articles with the questions of four folds, the fifth is asked."""
    for path in sorted((folder / "intents").glob("hint3_*_train.jsonl")):
        rows = read(path)
        random.Random(_SEED).shuffle(rows)  # noqa: S311 - a reproducible draw
        bot = path.stem.split("_")[1]
        for fold in range(_FOLDS):
            asked = [row for n, row in enumerate(rows) if n % _FOLDS == fold]
            taught = [row for n, row in enumerate(rows) if n % _FOLDS != fold and not row["oos"]]
            labels = {row["label"] for row in taught}
            queries = [
                {"id": row["id"], "query": row["query"], "relevant": [row["label"]] if row["label"] in labels else []}
                for row in asked
            ]
            yield Set(f"{bot} {fold}", write(DATA / f"hint3-{bot}-{fold}.jsonl", labels_as_articles(taught)), queries)


def alchemy(folder: Path, lang: str, every: int = 1) -> Set:
    """Titles asked of the bodies of articles in `lang`, one of `every` articles."""
    docs = read(folder / "alchemy" / f"docs_{lang}.jsonl")[::every]
    rows = [{"id": doc["id"], "title": "", "body": doc["body"], "lang": lang} for doc in docs]
    ids = {doc["id"] for doc in docs}
    queries = [row for row in read(folder / "alchemy" / f"queries_{lang}.jsonl") if ids.intersection(row["relevant"])]
    return Set(f"alchemy {lang}", write(DATA / f"alchemy-{lang}-{every}.jsonl", rows), queries)


def thunderbird_tickets(folder: Path) -> Rows:
    """Subject and body of real tickets, oldest first, weak labels left out."""
    rows = [row for row in read(folder / "thunderbird" / "queries_en.jsonl") if row["strength"] != "weak"]
    return sorted(rows, key=lambda row: str(row["created"]))


def without_symptoms(folder: Path) -> Path:
    """Articles with the section that the symptom queries were taken from left out."""
    docs = read(folder / "officedocs" / "docs.jsonl")
    rows = [{"id": d["id"], "title": d["title"], "body": d.get("body_no_symptoms") or d["body"]} for d in docs]
    return write(DATA / "officedocs.jsonl", rows)


def intents(folder: Path, name: str, splits: tuple[str, str], count: int = 5) -> tuple[Path, Rows]:
    """Labels as articles with `count` author questions each, and other questions of the same labels to ask."""
    parts = sorted((folder / "intents").glob(f"{name}*.jsonl"))
    rows = [row for part in parts for row in read(part)]
    taught = [row for row in rows if row["split"] == splits[0] and not row["oos"]]
    asked = [
        {"id": row["id"], "query": row["query"], "relevant": [] if row["oos"] else [row["label"]]}
        for row in rows
        if row["split"] == splits[1]
    ]
    return write(DATA / f"{name}.jsonl", labels_as_articles(taught, count)), sample(asked, 2000)


def labels_as_articles(rows: Rows, count: int = 0) -> Rows:
    """Each label as an article without a body, with its questions (`count` drawn ones, 0 for all) as the author's."""
    by_label: dict[str, list[str]] = {}
    for row in rows:
        by_label.setdefault(row["label"], []).append(row["query"])
    chance = random.Random(_SEED)  # noqa: S311 - a reproducible draw
    return [
        {
            "id": label,
            "title": label.replace("_", " "),
            "body": "",
            "questions": chance.sample(questions, count) if count else questions,
        }
        for label, questions in sorted(by_label.items())
    ]


def unanswerable(rows: Rows) -> Rows:
    return [{"id": row["id"], "query": row["query"], "relevant": []} for row in rows]


def sample(rows: Rows, count: int) -> Rows:
    chance = random.Random(_SEED)  # noqa: S311 - a reproducible draw
    return rows if len(rows) <= count else chance.sample(rows, count)


def read(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
