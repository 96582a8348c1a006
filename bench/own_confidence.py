"""Measures confidence as fitted to each knowledge base (kb/fit.py) beside the default.

    python -m bench.own_confidence EVAL_FOLDER

Prints for each set how far the fit moved the log-odds, and ECE, AUROC, the share of answerable questions answered, how
many answers are right, and the share of unanswerable questions answered, with the default and with the fit. The five
folds of a HINT3 bot are one set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

os.environ["HF_HUB_OFFLINE"] = "1"

from bench import sets
from bench.sets import Set
from bot.decide import Policy
from bot.evaluate import index
from bot.metrics import auroc, expected_calibration_error
from kb.build import BuildSettings
from kb.calibrate import DEFAULT
from kb.search import First, Query, Searcher

#: The others have no author questions, and hardly a foreign one is answered there.
_ANSWERABLE = ("thunderbird", "clinc150, 5 a label", "banking77, 5 a label")


@dataclass(slots=True)
class Asked:
    """Log-odds by the default, which firsts were right, which questions something answers, and the shift of the fit."""

    odds: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    answerable: list[bool] = field(default_factory=list)
    shift: list[float] = field(default_factory=list)

    def add(self, first: First | None, relevant: list[str], shift: float) -> None:
        self.odds.append(DEFAULT.log_odds(first.quantities) if first else -np.inf)
        self.right.append(bool(first and first.article in relevant))
        self.answerable.append(bool(relevant))
        self.shift.append(shift)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"{'set':36}{'shift':>7}  {'':8}{'ece':>6}{'auroc':>7}{'answered':>10}{'right':>7}{'false':>7}")
    pooled: dict[str, Asked] = {}
    for data in measured(Path(sys.argv[1])):
        name = data.name.rsplit(" ", 1)[0] if data.name[-1].isdigit() and data.name[-2] == " " else data.name
        searcher = index(data.articles, sets.DATA, BuildSettings(data.model))
        found = searcher.snapshot.manifest["calibration"]
        print(f"{data.name}: {found}", file=sys.stderr, flush=True)
        ask(searcher, data, pooled.setdefault(name, Asked()))
    for name, asked in pooled.items():
        show(name, asked)


def measured(folder: Path) -> Iterator[Set]:
    yield from (data for data in sets.answerable(folder) if data.name in _ANSWERABLE)
    yield from sets.hint3(folder)
    yield from sets.foreign(folder)


def ask(searcher: Searcher, data: Set, asked: Asked) -> None:
    shift = float(searcher.snapshot.manifest["calibration"]["shift"])
    for row in (*data.queries, *data.held_out):
        first = searcher.first(Query(row["query"], row.get("body") or "", row.get("lang")))
        asked.add(first, row["relevant"], shift)


def show(name: str, asked: Asked) -> None:
    odds, right, answerable = np.array(asked.odds), np.array(asked.right), np.array(asked.answerable)
    for label, shift in (("default", np.zeros(len(odds))), ("fitted", np.array(asked.shift))):
        p = 1 / (1 + np.exp(-(odds + shift)))
        area, given = auroc(p, right), p >= Policy().answer_at
        print(
            f"{name:36}{shift.mean():7.2f}  {label:8}{expected_calibration_error(p, right):6.3f}"
            f"{'–' if area is None else f'{area:.3f}':>7}"
            f"{_share(given[answerable])}{_share(right[given], 7)}{_share(given[~answerable], 7)}",
            flush=True,
        )


def _share(values: NDArray[np.bool_], width: int = 10) -> str:
    return f"{values.mean():{width}.3f}" if len(values) else f"{'–':>{width}}"


if __name__ == "__main__":
    main()
