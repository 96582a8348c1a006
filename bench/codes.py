"""How often an error code finds the article that has it, and what it does to questions about something else.

    python -m bench.codes DATA EVAL_FOLDER

DATA is the data folder of an index of OfficeDocs-Support. Drawn are 250 codes that at most three articles have. Each is
asked in six sentences, some with the product's name or three words of the title, some about nothing in particular. And
300 questions of BANKING77, that no article answers, get a code of some article at their end.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections import defaultdict
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from bot.decide import Policy
from kb import analysis
from kb.codes import is_code
from kb.search import Query, Searcher
from kb.snapshot import open_current

_CODE = re.compile(r"0x[0-9a-f]{6,8}|[a-z]{2,8}\d{3,6}|\d{5,8}")
_PRODUCTS = ("Outlook", "Excel", "Teams", "OneDrive", "SharePoint", "Word", "Office", "Exchange")
_FORMS = (
    "error {code}",
    "{code} {title}",
    "{title} {code}",
    "I get error {code} in {product}",
    "{product} says {code}, it worked yesterday. What can I do?",
    "When I try to open {product} I get a window with the code {code} and then it closes. I restarted the computer "
    "twice and nothing helps.",
)
_FOREIGN = ("{question}, my order number is {code}", "{question}? The reference is {code}.", "{question} {code}")
_CODES, _QUESTIONS, _AT_MOST = 250, 300, 3


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    searcher, eval_folder = Searcher(open_current(Path(sys.argv[1]))), Path(sys.argv[2])
    holding = _holding(searcher)
    codes = sorted(code for code, articles in holding.items() if len(articles) <= _AT_MOST and _CODE.fullmatch(code))
    dice = random.Random(5)  # noqa: S311 - a reproducible draw
    drawn = dice.sample(codes, _CODES)
    print(f"{len(codes):,} codes; hit@1 of {_CODES}, and the share answered (of these right)")
    answered_from = Policy().answer_at
    for form in _FORMS:
        firsts = [_ask(searcher, form, code, min(holding[code]), dice) for code in drawn]
        right = [first in holding[code] for (first, _), code in zip(firsts, drawn, strict=True)]
        sure = [ok for ok, (_, confidence) in zip(right, firsts, strict=True) if confidence >= answered_from]
        print(f"{sum(right) / _CODES:6.3f} {len(sure) / _CODES:6.3f} ({sum(sure) / max(1, len(sure)):.3f})  {form}")
    lines = (eval_folder / "intents" / "banking77_test.jsonl").read_text(encoding="utf-8").splitlines()
    foreign = dice.sample([json.loads(line)["query"] for line in lines], _QUESTIONS)
    kinds = {
        "no code": [""],
        "digits": [code for code in codes if code.isdigit()],
        "letters and digits": [code for code in codes if not code.isdigit()],
    }
    print(f"\nanswered of {_QUESTIONS} questions of BANKING77")
    for kind, some in kinds.items():
        asked = [
            dice.choice(_FOREIGN).format(question=text.rstrip("?."), code=dice.choice(some)) if some[0] else text
            for text in foreign
        ]
        count = sum(searcher.rank(Query(text)).confidence >= answered_from for text in asked)
        print(f"{count / _QUESTIONS:6.1%}  with {kind}")


def _holding(searcher: Searcher) -> dict[str, set[int]]:
    holding: dict[str, set[int]] = defaultdict(set)
    for number, entry in enumerate(searcher.snapshot.entries):
        for row in range(entry.rows.start, entry.rows.stop):
            for word in map(analysis.fold, analysis.words(searcher.passage(row).text)):
                if is_code(word):
                    holding[word].add(number)
    return holding


def _ask(searcher: Searcher, form: str, code: str, article: int, dice: random.Random) -> tuple[int, float]:
    """The first article, -1 where there is none, and the confidence."""
    title = searcher.entry(article).article.title
    words = re.findall(r"[A-Za-z]{3,}", title)
    product = next((name for name in _PRODUCTS if name.lower() in title.lower()), dice.choice(_PRODUCTS))
    some = " ".join(dice.sample(words, min(len(words), 3)))
    ranking = searcher.rank(Query(form.format(code=code, product=product, title=some)))
    return (ranking.hits[0].article if ranking.hits else -1), ranking.confidence


if __name__ == "__main__":
    main()
