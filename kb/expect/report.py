"""Runs and comparisons as text for a terminal: what failed, what stands in its place, what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from kb.corpus import folded
from kb.expect.comparison import Changed, Comparison, Pair, Theft
from kb.expect.entries import Kind
from kb.expect.outcomes import DEPTH, EntryName, Outcome, Rival, Run, Twin
from kb.models import Skipped

#: A path below the source as it is named to a person.
Shown = Callable[[str], str]
_LONGEST = 200
_MOST_LISTED = 20
_TAKEN = (
    "If it answers them better, move them there. If not, reword what is new in it, and add what it took to its "
    "`not_for`."
)
_ADVICE = (
    "If the first one answers it, move it there and add it to `not_for` here. If its own article does, reword it, or "
    "say the same in another question, the title or a heading."
)


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
    yield from _failure_lines(run.failures, shown)
    copied = [outcome for outcome in run.outcomes if outcome.passed and outcome.kind == "question" and outcome.twins]
    if copied:
        yield f"{_many(len(copied), 'question')} that passed stand elsewhere in the same words, and test little:"
        for outcome in copied:
            twin = outcome.twins[0]
            yield f"  {place(outcome, shown)}: “{visible(outcome.text)}” is a {twin.part} of {shown(twin.path)} too"
        yield ""
    yield _counts(run)


def comparison_lines(
    comparison: Comparison, run: Run, against: str, shown: Shown, strict: bool = False
) -> Iterator[str]:
    """A comparison for a person: what the change took, broke, mended, added and removed, and whether it passes.

    With `strict` what failed before fails too, and is told as if it were new.
    """
    shown = _safe(shown)
    yield from _untested_lines((*comparison.untested, *(comparison.untested_before if strict else ())), shown)
    yield from _theft_lines(comparison.stolen, shown)
    before = {pair.after.name: pair.before for pair in (*comparison.worse, *comparison.tipped)}
    for title, outcomes in (
        ("Worse", [pair.after for pair in comparison.worse]),
        ("New, and failing", comparison.new_failing),
    ):
        yield from _failure_lines(outcomes, shown, before, title)
    if strict:
        known = [pair.after for pair in (*comparison.tipped, *comparison.still_failing)]
        yield from _failure_lines(known, shown, before, "Failed before, or tipped over by no change of its own")
    else:
        tipped = [_pair(pair, shown) for pair in comparison.tipped]
        yield from _listed("Tipped over, a near thing that no changed article has to do with", tipped)
        still = [_pair(p, shown) for p in comparison.still_failing if p.after.key.id in comparison.touched]
        yield from _listed("Failed before, and fail still, of articles that are changed", still)
    for title, pairs in (("Better", comparison.better), ("Pass as before, at another place", comparison.moved)):
        concerned = [_pair(pair, shown) for pair in pairs if comparison.concerns(pair)]
        yield from _listed(title, concerned, len(pairs) - len(concerned))
    gone = {(one.kind, folded(one.text)): one for one in comparison.removed}
    came = {(one.kind, folded(one.text)) for one in comparison.new}
    yield from _listed("New, and passing", [_new(one, gone, shown) for one in comparison.new if one.passed])
    removed = [one for one in comparison.removed if (one.kind, folded(one.text)) not in came]
    yield from _listed("Removed", [f"{place(one, shown)}: {_entry(one)}" for one in removed])
    yield _counts(run)
    yield f"Against {against}: {_differences(comparison)}"
    yield _verdict(comparison, strict)


def whole(outcome: Outcome, shown: Shown) -> str:
    """All about an entry that fails, in one line."""
    shown = _safe(shown)
    parts = (f"{_entry(outcome)}: {told(outcome)}", instead(outcome, shown), mend(outcome, shown))
    return " ".join(f"{part.removesuffix('.')}." for part in parts if part)


def thieves(comparison: Comparison, shown: Shown) -> Iterator[tuple[Changed, str]]:
    """Each article that takes questions, and which and what to do, in one line."""
    shown = _safe(shown)
    for thefts in _by_thief(comparison.stolen):
        taken = ", ".join(_pair(theft.victim, shown) for theft in thefts[:_MOST_LISTED])
        yield thefts[0].thief, f"It takes {_many(len(thefts), 'question')}: {taken}. {_TAKEN}"


def _by_thief(stolen: Sequence[Theft]) -> list[list[Theft]]:
    found: dict[str, list[Theft]] = {}
    for theft in stolen:
        found.setdefault(theft.thief.key.id, []).append(theft)
    return list(found.values())


def _theft_lines(stolen: Sequence[Theft], shown: Shown) -> Iterator[str]:
    for thefts in _by_thief(stolen):
        thief = thefts[0].thief
        yield f"{shown(thief.path)} “{visible(thief.title)}” ({thief.how}) takes {_many(len(thefts), 'question')}:"
        for theft in thefts:
            yield f"  {_pair(theft.victim, shown)}"
            rival = theft.victim.after.rival
            if rival and rival.key.id == thief.key.id:
                yield f"    {_near(rival)}"
            else:
                yield f"    {instead(theft.victim.after, shown)}"
        yield f"  fix: {_TAKEN}"
        yield ""


def _failure_lines(
    outcomes: Sequence[Outcome],
    shown: Shown,
    before: Mapping[EntryName, Outcome] = MappingProxyType({}),
    title: str = "",
) -> Iterator[str]:
    """Each failure, then once what can be done about most of them."""
    if title and outcomes:
        yield f"{title}:"
    advised = False
    for outcome in outcomes:
        was = before.get(outcome.name)
        since = f" (was {told(was).removeprefix('its article ')})" if was else ""
        yield f"{place(outcome, shown)}: {_entry(outcome)}: {told(outcome)}{since}"
        if other := instead(outcome, shown):
            yield f"  {other}"
        if outcome.kind == "question" and outcome.rival and not outcome.clashes:
            advised = True
        else:
            yield f"  fix: {mend(outcome, shown)}"
    if advised:
        yield f"fix: {_ADVICE}"
    if outcomes:
        yield ""


def _listed(title: str, lines: Sequence[str], elsewhere: int = 0) -> Iterator[str]:
    """What is no failure, so not all of it: who wants all takes --json."""
    if not lines:
        return
    yield f"{title}:"
    yield from (f"  {line}" for line in lines[:_MOST_LISTED])
    if left := max(len(lines) - _MOST_LISTED, 0) + elsewhere:
        yield f"  … and {left:,} more"
    yield ""


def _new(outcome: Outcome, gone: Mapping[tuple[Kind, str], Outcome], shown: Shown) -> str:
    was = gone.get((outcome.kind, folded(outcome.text)))
    since = f", which was in {shown(was.path)}" if was and was.path != outcome.path else ""
    return f"{place(outcome, shown)}: {_entry(outcome)}{since}"


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
    return f"{shown(rival.path)} “{visible(rival.title)}”, {_near(rival)}"


def _near(rival: Rival) -> str:
    part = {"question": "its question", "title": "its title", "body": "its text"}[rival.part]
    return f"{part} “{_start(rival.text)}” is near"


def _start(text: str) -> str:
    return _cut(visible(text), 80)


def _counts(run: Run) -> str:
    failed = len(run.failures)
    return (
        f"{_many(run.count('question'), 'question')} and {run.count('not_for'):,} not_for of "
        f"{_many(len(run.articles), 'article')}, k = {run.k}: {len(run.outcomes) - failed:,} passed, {failed:,} failed"
        + (f", {_many(len(run.untested), 'file')} not tested" if run.untested else "")
    )


def _differences(comparison: Comparison) -> str:
    named = (
        (len(comparison.stolen), "stolen"),
        (len(comparison.worse), "worse"),
        (len(comparison.tipped), "tipped over"),
        (len(comparison.better), "better"),
        (len(comparison.moved), "at another place"),
        (len(comparison.new), "new"),
        (len(comparison.removed), "removed"),
        (len(comparison.untested), "not tested any more"),
    )
    changes = ", ".join(f"{count:,} {what}" for count, what in named if count) or "no difference"
    known = len(comparison.still_failing)
    return f"{changes}{f'; {known:,} failed before, too' if known else ''}"


def _verdict(comparison: Comparison, strict: bool) -> str:
    reasons = (
        (len(comparison.stolen), "stolen"),
        (len(comparison.worse), "worse"),
        (len(comparison.new_failing), "new and failing"),
        (len(comparison.untested), "not tested any more"),
        (len(comparison.tipped) if strict else 0, "tipped over"),
        (len(comparison.still_failing) + len(comparison.untested_before) if strict else 0, "failed before"),
    )
    listed = ", ".join(f"{count:,} {what}" for count, what in reasons if count)
    return f"Fails: {listed}" if listed else "Passes"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{ending}"
