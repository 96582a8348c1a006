"""How well `firstline test` tells what readers get, on wordings that the articles never saw.

    python -m bench.own_questions EVAL_FOLDER

Intents become articles: some of their wordings are `questions`, others are asked by readers. Prints of each set the
share of questions that pass and of readers who get the right article first, and how the two go together by article.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"

from kb.build import BuildSettings, make
from kb.expect import run
from kb.search import Query, Searcher
from kb.snapshot import open_snapshot

#: Files, questions of each article, and readers of each at most.
SETS = {
    "CLINC150, 5 each": (("clinc150.jsonl",), 5, 30),
    "CLINC150, 20 each": (("clinc150.jsonl",), 20, 50),
    "BANKING77": (("banking77_train.jsonl", "banking77_test.jsonl"), 10, 60),
    "HINT3 curekart": (("hint3_curekart_train.jsonl",), 10, 10),
    "HINT3 sofmattress": (("hint3_sofmattress_train.jsonl",), 10, 10),
    "HINT3 powerplay11": (("hint3_powerplay11_train.jsonl",), 10, 10),
}
_FEWEST = 4


def wordings(files: list[Path]) -> dict[str, list[str]]:
    """The different wordings of each intent, in an order drawn once."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if not row["oos"]:
                found[row["label"]][row["query"]] = None
    chance = random.Random(7)  # noqa: S311 - a reproducible draw
    drawn = {label: list(found[label]) for label in sorted(found) if len(found[label]) >= _FEWEST}
    for asked in drawn.values():
        chance.shuffle(asked)
    return {label.lower(): asked for label, asked in drawn.items()}


def measure(name: str, folder: Path, data: Path) -> str:
    files, most, most_readers = SETS[name]
    rows, readers = [], []
    for label, asked in wordings([folder / file for file in files]).items():
        own = asked[: min(most, len(asked) // 2)]
        title = label.replace("_", " ").replace("-", " ").strip().capitalize()
        rows.append({"id": label, "title": title, "body": f"{title}.", "questions": own, "lang": "en"})
        readers += [(label, text) for text in asked[len(own) : len(own) + most_readers]]
    source = data / "articles.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = make(source, data, BuildSettings(), created="2026-01-01T00:00:00+00:00", into=data / "tested")
    snapshot = open_snapshot(data / "tested" / report.snapshot)
    passed, right = defaultdict(list), defaultdict(list)
    for outcome in run(snapshot, 1, source).outcomes:
        passed[outcome.key.id].append(outcome.passed)
    searcher = Searcher(snapshot)
    for label, text in readers:
        hits = searcher.rank(Query(text, lang="en"), limit=1).hits
        right[label].append(bool(hits) and searcher.entry(hits[0].article).article.id == label)
    each = np.array([(np.mean(passed[label]), np.mean(right[label])) for label in passed])
    share, hit = (np.mean([one for row in found.values() for one in row]) for found in (passed, right))
    lines = [
        f"{name}: {len(rows)} articles, {sum(map(len, passed.values()))} questions, {len(readers)} readers: "
        f"pass {share:.3f}, readers' hit@1 {hit:.3f}, correlation by article {np.corrcoef(each.T)[0, 1]:.2f}"
    ]
    for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1), (1, 2)):
        held = each[(each[:, 0] >= low) & (each[:, 0] < high)]
        if len(held):
            lines.append(
                f"  {held[:, 0].mean():.2f} pass: {len(held)} articles, readers' hit@1 {held[:, 1].mean():.3f}"
            )
    return "\n".join(lines)


def main() -> None:
    folder = Path(sys.argv[1]) / "intents"
    encoders = Path("build/encoders").resolve()
    for name in SETS:
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "cache").mkdir()
            if encoders.is_dir():
                (Path(scratch) / "cache" / "encoders").symlink_to(encoders)
            print(measure(name, folder, Path(scratch)), flush=True)


if __name__ == "__main__":
    main()
