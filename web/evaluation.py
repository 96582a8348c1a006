"""An evaluation as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.comparison import Change, Comparison
from bot.evaluate import Learnt
from bot.metrics import Asked

#: How many changed questions and ids are printed; `--json` has them all.
_SHOWN = 20
_NAMED = 10
_WIDTH = 90
_COLUMNS = (
    "queries", "hit@1", "hit@3", "mrr@10", "answered", "answered_correct", "unanswerable", "false_answers", "ece",
    "auroc_right",
)  # fmt: skip


def figure_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """A line a figure, with its interval where it has one."""
    intervals = metrics["intervals"]
    shares = {
        "answered_correct": ("answered_precision", "answered"),
        "false_answers": ("false_answer_rate", "unanswerable"),
    }
    for name, value in metrics.items():
        if name == "intervals":
            continue
        line = f"{name:18} {_number(value):9}"
        if name in shares and metrics[shares[name][1]]:
            share, of = shares[name]
            line += f" {value / metrics[of]:.4f} of {of}, {_range(intervals[share])}"
        elif intervals.get(name):
            line += f" {_range(intervals[name])}"
        yield line.rstrip()


def learned_lines(learned: Learnt, name: str) -> Iterator[str]:
    """What of a file was learned, and what was left out."""
    yield f"{name}: {learned.questions} questions learned"
    if learned.asked:
        yield f"{name}: {learned.asked} left out, because they are asked as well"
    if learned.unknown:
        yield f"{name}: rows left out, because no article has the ids {listed(learned.unknown)}"


def language_lines(languages: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A table with a row a language."""
    rows = [("lang", *_COLUMNS), *((lang, *(_number(m[c]) for c in _COLUMNS)) for lang, m in languages.items())]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        first, *others = (f"{cell:{'<' if n == 0 else '>'}{widths[n]}}" for n, cell in enumerate(row))
        yield "  ".join([first, *others])


def comparison_lines(comparison: Comparison, name: str) -> Iterator[str]:
    """What rose and fell since the run that wrote the file `name`."""
    yield f"Compared with {name}: {comparison.compared} questions that an article answers"
    if comparison.difference is not None:
        yield (
            f"hit@1 {comparison.before:.4f} -> {comparison.after:.4f}, difference {comparison.difference:+.4f} "
            f"({_range(comparison.interval)})"
        )
    yield from _changes("rose", comparison.rose)
    yield from _changes("fell", comparison.fell)
    yield from _questions("that no article answers: answered now, not before", comparison.newly_answered)
    yield from _questions("that no article answers: answered before, not now", comparison.no_longer_answered)
    for ids, where in ((comparison.only_before, f"in {name}"), (comparison.only_after, "in this run")):
        if ids:
            yield f"{len(ids)} only {where}: {listed(ids)}"


def listed(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(_one_line(key) for key in ids[:_NAMED]) + more


def _changes(word: str, changes: Sequence[Change]) -> Iterator[str]:
    yield f"{len(changes)} {word}{':' if changes else ''}"
    for change in changes[:_SHOWN]:
        moved = f"{_place(change.before):>2} -> {_place(change.after):2}"
        yield f"  {moved}  {_one_line(f'{change.id}  {change.question}')}"
    yield from _more(changes)


def _questions(words: str, questions: Sequence[Asked]) -> Iterator[str]:
    if questions:
        yield f"{len(questions)} {words}:"
    for asked in questions[:_SHOWN]:
        yield f"  {_one_line(f'{asked.id}  {asked.query.text}')}"
    yield from _more(questions)


def _more(shown: Sequence[object]) -> Iterator[str]:
    if len(shown) > _SHOWN:
        yield f"  and {len(shown) - _SHOWN} more, all in --json"


def _place(rank: int | None) -> str:
    return str(rank) if rank else "–"


def _one_line(text: str) -> str:
    """Text of a file for a terminal: no line ends, no control characters, not too long."""
    line = "".join(char if char.isprintable() else " " for char in text).strip()
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _range(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "–"


def _number(value: float | None) -> str:
    return "–" if value is None else str(value)
