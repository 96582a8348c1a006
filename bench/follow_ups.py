"""Follow-up questions with and without what was asked before, and changes of subject that must not be bent.

    python -m bench.follow_ups [DATA]

Over our own articles, indexed into DATA (`data`). The questions stand in follow_ups.jsonl; a change of subject without
an article is about something no article answers.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from bot.conversation import understand
from bot.decide import Answer, Policy, decide
from bot.models import Question
from kb.search import Ranking, Searcher
from kb.snapshot import open_current

SET = Path(__file__).with_name("follow_ups.jsonl")


def main() -> None:
    searcher = Searcher(open_current(Path(sys.argv[1] if len(sys.argv) > 1 else "data")))
    policy = Policy()
    counts: Counter[str] = Counter()
    for line in SET.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        question = Question(row["then"], lang=row["lang"])
        alone = understand(searcher, question, "", policy)
        after = understand(searcher, question, row["first"], policy)
        articles = row["article"].split(",") if row["article"] else []
        kind = row["kind"] + (" held out" if row.get("held_out") else "")
        counts[kind] += 1
        counts[f"{kind}, right alone"] += first(alone.ranking, searcher) in articles
        counts[f"{kind}, right after"] += first(after.ranking, searcher) in articles
        counts[f"{kind}, answered alone"] += isinstance(decide(alone.ranking, policy), Answer)
        counts[f"{kind}, answered after"] += isinstance(decide(after.ranking, policy), Answer)
        if row["kind"] == "change":
            counts[f"{kind}, harmed"] += bool(after.context)
            if after.context:
                print(f"harmed: {row['first']} | {row['then']}")
        elif first(after.ranking, searcher) not in articles:
            print(f"missed: {row['first']} | {row['then']} -> {first(after.ranking, searcher)}")
        if "-v" in sys.argv and row["kind"] != "change":
            passage = searcher.passage(after.ranking.hits[0].row)
            print(f"{row['first'][:30]:30} | {row['then'][:30]:30} | {passage.heading_path[-1:]}")
    for name, number in sorted(counts.items()):
        print(f"{name:30}{number:5}")


def first(ranking: Ranking, searcher: Searcher) -> str:
    return searcher.entry(ranking.hits[0].article).article.id if ranking.hits else ""


if __name__ == "__main__":
    main()
