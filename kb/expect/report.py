"""Runs and comparisons as text for a terminal and as JSON: what failed, what stands in its place, what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kb.expect.comparison import Comparison, Pair, Theft
from kb.expect.outcomes import DEPTH, Outcome, Rival, Run, Twin
from kb.models import Skipped

#: A path below the source as it is named to a person.
Shown = Callable[[str], str]
_LONGEST = 200


def visible(text: str) -> str:
    """A text that somebody typed as one line that is not too long and has nothing that would steer a terminal."""
    return _printable(_cut(" ".join(text.split()), _LONGEST))


def _printable(text: str) -> str:
    """The same with control, format and private characters written out."""
    return "".join(char if unicodedata.category(char)[0] != "C" else f"\\u{ord(char):04x}" for char in text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _safe(shown: Shown) -> Shown:
    """Paths come from whoever named a file."""
    return lambda path: _printable(shown(path))


def place(outcome: Outcome, shown: Shown) -> str:
    """File and line of an entry."""
    return shown(outcome.path) + (f":{outcome.line}" if outcome.line else "")


def told(outcome: Outcome) -> str:
    """Where its article stands, in words."""
    if outcome.kind == "not_for":
        return "its article comes first" if outcome.place == 1 else "its article does not come first"
    if not outcome.place:
        return f"its article is not among the first {DEPTH}" if outcome.above else "nothing is found"
    return f"its article comes {_ordinal(outcome.place)}"


def instead(outcome: Outcome, shown: Shown) -> str:
    """What stands in its place and why; "" where there is nothing to say."""
    if outcome.rival is None:
        return ""
    return f"{'next' if outcome.kind == 'not_for' else 'first'}: {_rival(outcome.rival, shown)}"


def mend(outcome: Outcome, shown: Shown) -> str:
    """What an author can do about an entry that fails."""
    if outcome.kind == "not_for":
        if outcome.twins:
            return f"{_same_words(outcome.twins[0], shown)} Remove them there, or here."
        return (
            "Add it to the `questions` of the article that answers it. If no other one does, or this one does after "
            "all, remove it here."
        )
    if outcome.clashes:
        return f"{_same_words(outcome.clashes[0], shown)} Keep them in the article that answers them."
    if outcome.rival is None:
        return "Ask it in words that can be searched for."
    return (
        f"If {shown(outcome.rival.path)} answers it, move it there and add it to `not_for` here. If this article does, "
        "reword it, or say the same in another question, the title or a heading."
    )


def _same_words(twin: Twin, shown: Shown) -> str:
    line = f":{twin.line}" if twin.line else ""
    return f"{shown(twin.path)}{line} has the same words as a {twin.part}."


def run_lines(run: Run, shown: Shown) -> Iterator[str]:
    """A run for a person: the failures, each with its file and line, and the counts."""
    shown = _safe(shown)
    yield from _untested_lines(run.untested, shown)
    for outcome in run.failures:
        yield from _failure_lines(outcome, shown)
    copied = [outcome for outcome in run.outcomes if outcome.passed and outcome.kind == "question" and outcome.twins]
    if copied:
        yield f"{_many(len(copied), 'question')} that passed stand elsewhere in the same words, and test little:"
        for outcome in copied:
            twin = outcome.twins[0]
            yield f"  {place(outcome, shown)}: “{visible(outcome.text)}” is a {twin.part} of {shown(twin.path)} too"
        yield ""
    yield _counts(run)


def comparison_lines(comparison: Comparison, run: Run, against: str, shown: Shown) -> Iterator[str]:
    """A comparison for a person: what the change took, broke, mended, added and removed."""
    shown = _safe(shown)
    yield from _untested_lines(comparison.untested, shown)
    by_thief: dict[str, list[Theft]] = {}
    for theft in comparison.stolen:
        by_thief.setdefault(theft.thief.key.id, []).append(theft)
    for thefts in by_thief.values():
        thief = thefts[0].thief
        yield f"{shown(thief.path)} “{visible(thief.title)}” ({thief.how}) takes {_many(len(thefts), 'question')}:"
        for theft in thefts:
            yield f"  {_pair(theft.victim, shown)}"
            yield f"    {instead(theft.victim.after, shown)}"
        if thief.questions:
            yield f"  its new questions: {', '.join(f'“{visible(text)}”' for text in thief.questions)}"
        yield (
            "  fix: If it answers them better, move them there. If not, reword what is new in it, and add what it took "
            "to its `not_for`."
        )
        yield ""
    if comparison.worse:
        yield "Worse:"
        for pair in comparison.worse:
            yield from _failure_lines(pair.after, shown, was=pair.before)
    if comparison.new_failing:
        yield "New, and failing:"
        for outcome in comparison.new_failing:
            yield from _failure_lines(outcome, shown)
    for title, pairs in (("Better", comparison.better), ("Pass as before, at another place", comparison.moved)):
        if pairs:
            yield f"{title}:"
            yield from (f"  {_pair(pair, shown)}" for pair in pairs)
            yield ""
    new = [outcome for outcome in comparison.new if outcome.passed]
    for title, outcomes in (("New, and passing", new), ("Removed", comparison.removed)):
        if outcomes:
            yield f"{title}:"
            yield from (f"  {place(outcome, shown)}: {_entry(outcome)}" for outcome in outcomes)
            yield ""
    if comparison.still_failing:
        yield "Failed before, and fail still:"
        yield from (f"  {_pair(pair, shown)}" for pair in comparison.still_failing)
        yield ""
    yield f"{_counts(run)}. Against {against}: {_differences(comparison)}"


def run_json(run: Run) -> dict[str, Any]:
    """A run as --json prints it; paths are below the source."""
    return {
        "snapshot": run.snapshot,
        "k": run.k,
        "questions": run.count("question"),
        "not_for": run.count("not_for"),
        "passed": len(run.outcomes) - len(run.failures),
        "failed": len(run.failures),
        "failures": [_outcome_json(outcome) for outcome in run.failures],
        "untested": [_skipped_json(one) for one in run.untested],
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as --json prints it; `was` is the place before."""

    def pairs(listed: Sequence[Pair]) -> list[dict[str, Any]]:
        return [{**_outcome_json(pair.after), "was": pair.before.place} for pair in listed]

    return {
        "stolen": [
            {
                **_outcome_json(theft.victim.after),
                "was": theft.victim.before.place,
                "thief": {
                    "id": theft.thief.key.id,
                    "lang": theft.thief.key.lang,
                    "path": theft.thief.path,
                    "how": theft.thief.how,
                    "questions": list(theft.thief.questions),
                },
            }
            for theft in comparison.stolen
        ],
        "worse": pairs(comparison.worse),
        "better": pairs(comparison.better),
        "moved": pairs(comparison.moved),
        "still_failing": pairs(comparison.still_failing),
        "new": [_outcome_json(outcome) for outcome in comparison.new],
        "removed": [_outcome_json(outcome) for outcome in comparison.removed],
        "untested": [_skipped_json(one) for one in comparison.untested],
        "untested_before": [_skipped_json(one) for one in comparison.untested_before],
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    rival = outcome.rival
    return {
        "article": outcome.key.id,
        "lang": outcome.key.lang,
        "path": outcome.path,
        "line": outcome.line,
        "kind": outcome.kind,
        "text": outcome.text,
        "passed": outcome.passed,
        "place": outcome.place,
        "confidence": outcome.confidence,
        "above": list(outcome.above),
        "rival": rival
        and {
            "article": rival.key.id,
            "lang": rival.key.lang,
            "path": rival.path,
            "title": rival.title,
            "part": rival.part,
            "text": rival.text,
        },
        "same_words": [{"path": twin.path, "line": twin.line, "part": twin.part} for twin in outcome.twins],
    }


def _skipped_json(skipped: Skipped) -> dict[str, Any]:
    return {"path": skipped.path, "line": skipped.line, "reason": skipped.reason, "detail": skipped.detail}


def _failure_lines(outcome: Outcome, shown: Shown, was: Outcome | None = None) -> Iterator[str]:
    before = f" (was {told(was).removeprefix('its article ')})" if was else ""
    yield f"{place(outcome, shown)}: {_entry(outcome)}: {told(outcome)}{before}"
    if other := instead(outcome, shown):
        yield f"  {other}"
    yield f"  fix: {mend(outcome, shown)}"
    yield ""


def _untested_lines(untested: Sequence[Skipped], shown: Shown) -> Iterator[str]:
    for one in untested:
        at = shown(one.path) + (f":{one.line}" if one.line else "")
        yield f"{at}: its questions were not tested: {one.reason}{f': {visible(one.detail)}' if one.detail else ''}"
        if one.fix:
            yield f"  fix: {one.fix}"
        yield ""


def _pair(pair: Pair, shown: Shown) -> str:
    was, now = _short(pair.before), _short(pair.after)
    return f"{place(pair.after, shown)}: {_entry(pair.after)}: {now if was == now else f'{was} → {now}'}"


def _short(outcome: Outcome) -> str:
    if outcome.kind == "not_for":
        return "first" if outcome.place == 1 else "not first"
    return _ordinal(outcome.place) if outcome.place else f"not among the first {DEPTH}"


def _entry(outcome: Outcome) -> str:
    return f"{'not_for ' if outcome.kind == 'not_for' else ''}“{visible(outcome.text)}”"


def _rival(rival: Rival, shown: Shown) -> str:
    part = {"question": "its question", "title": "its title", "body": "its text"}[rival.part]
    return f"{shown(rival.path)} “{visible(rival.title)}”, {part} “{_start(rival.text)}” is near"


def _start(text: str) -> str:
    return _cut(visible(text), 80)


def _counts(run: Run) -> str:
    articles = len({outcome.key for outcome in run.outcomes})
    failed = len(run.failures)
    return (
        f"{_many(run.count('question'), 'question')} and {run.count('not_for'):,} not_for of "
        f"{_many(articles, 'article')}, k = {run.k}: {len(run.outcomes) - failed:,} passed, {failed:,} failed"
        + (f", {_many(len(run.untested), 'file')} not tested" if run.untested else "")
    )


def _differences(comparison: Comparison) -> str:
    if comparison.empty:
        return "no difference"
    named = (
        (len(comparison.stolen), "stolen"),
        (len(comparison.worse), "worse"),
        (len(comparison.better), "better"),
        (len(comparison.moved), "at another place"),
        (len(comparison.new), "new"),
        (len(comparison.new_failing), "of them failing"),
        (len(comparison.removed), "removed"),
        (len(comparison.untested), "not tested any more"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in named if count)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{ending}"
