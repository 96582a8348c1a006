"""What a run made of each question, one JSON object a line: written by one run, compared with by a later one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.metrics import Outcome
from kb.errors import EvaluationFileError

_DECISIONS = ("answer", "suggest", "unanswered")
_WANTED = 'one {"id": …, "decision": …, "confidence": …, "articles": […]} a line, as --predictions writes it'


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the line made of the question `id`; `articles` are ids, best first."""

    id: str
    decision: str
    confidence: float
    articles: tuple[str, ...]


def predictions(outcomes: Sequence[Outcome]) -> dict[str, Prediction]:
    """The predictions of a run, by question id."""
    return {o.asked.id: Prediction(o.asked.id, o.decision, o.confidence, o.articles) for o in outcomes}


def write_predictions(outcomes: Sequence[Outcome], path: Path) -> None:
    """One JSON object a question: `{"id", "decision", "confidence", "articles": [ids, best first]}`."""
    with path.open("w", encoding="utf-8") as file:
        for p in predictions(outcomes).values():
            row = {"id": p.id, "decision": p.decision, "confidence": p.confidence, "articles": p.articles}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_predictions(path: Path) -> dict[str, Prediction]:
    """The predictions of an earlier run, by question id. Raises EvaluationFileError that names the line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvaluationFileError(f"{path}: cannot be read ({error.strerror}).") from error
    if _holds_figures(data):
        raise EvaluationFileError(
            f"{path} holds the figures of a run, not what it made of each question. "
            "Run that version again with --predictions FILE, and compare with that file."
        )
    found: dict[str, Prediction] = {}
    for number, raw in enumerate(data.split(b"\n"), 1):
        if raw.strip():
            read = _read(raw, f"{path}:{number}")
            if read.id in found:
                raise EvaluationFileError(f"{path}:{number}: the id {read.id!r} stands on an earlier line too.")
            found[read.id] = read
    if not found:
        raise EvaluationFileError(f"{path} holds no predictions. Expected {_WANTED}.")
    return found


def _read(raw: bytes, place: str) -> Prediction:
    try:
        row = json.loads(raw)
        json.dumps(row, ensure_ascii=False).encode()  # half of a character could not be printed
    except (ValueError, RecursionError) as error:
        raise EvaluationFileError(f"{place}: not valid JSON ({error}). Expected {_WANTED}.") from error
    if not isinstance(row, dict):
        raise EvaluationFileError(f"{place}: found {type(row).__name__}. Expected {_WANTED}.")
    for key, (allowed, fits) in _FIELDS.items():
        if key not in row:
            raise EvaluationFileError(f"{place}: {key} is missing. Expected {_WANTED}.")
        if not fits(row[key]):
            raise EvaluationFileError(f"{place}: {key} is {row[key]!r}, expected {allowed}.")
    return Prediction(row["id"], row["decision"], float(row["confidence"]), tuple(row["articles"]))


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


#: What each key of a line may be, in words and as a test.
_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "id": ("a text", lambda value: isinstance(value, str)),
    "decision": (", ".join(_DECISIONS[:-1]) + f" or {_DECISIONS[-1]}", lambda value: value in _DECISIONS),
    "confidence": ("a number from 0 to 1", _is_share),
    "articles": ("a list of article ids", _are_ids),
}


def _holds_figures(data: bytes) -> bool:
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(whole, dict) and "hit@1" in whole
