"""Error codes and model numbers: words that mean one thing, and are written in more than one way."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kb import analysis
from kb.reader import Visible
from kb.snapshot import Snapshot
from kb.vectors import Rows

_DIGIT = re.compile(r"\d")
#: What has digits and names a product, a day or a place on the network: half of all articles have such words.
_NO_CODE = re.compile(
    r"""v?\d{1,4}(\.\d+)+          # a version, 10.0.22631
    | [a-z]*(19|20)\d\d            # a year, or a product that is called after one
    | \d{2,4}-\d{2,4}              # from one year to another
    | (\d{1,4}[-.]){2}\d{1,4}      # a day
    | \d+000                       # a round number
    | [\w-]+(\.[\w-]+)+\.[a-z]{2,} # a host name
    """,
    re.VERBOSE,
)
_HEXADECIMAL = re.compile(r"(0x)?([0-9a-f]{8})")
_NAME, _NUMBER = re.compile(r"[a-z]{2,8}"), re.compile(r"\d{3,7}")
_NAMED = re.compile(r"([a-z]{2,8})(\d{5,7})")
#: Digits alone may be a sum or somebody's order as well; but of the 1,474 codes that at most three articles of
#: OfficeDocs-Support have, 83 % are digits alone, so they cannot count for little (`bench/codes.py`).
_DIGITS_ALONE = 0.8


def is_code(token: str) -> bool:
    """Whether a folded word is an error code or model number: `0x80070005`, `aadsts50126`, `kb5034441`, `80070005`."""
    digits, letters = len(_DIGIT.findall(token)), sum(map(str.isalpha, token))
    if "/" in token or "\\" in token or _NO_CODE.fullmatch(token):  # a slash makes a path or a day of it
        return False
    return digits >= 5 or (digits >= 3 and letters >= 1 and len(token) >= 5 and (digits > 3 or letters < 5))


def certainty(token: str) -> float:
    """How sure it is that a code is one, above 0 and at most 1."""
    return 1.0 if any(char.isalpha() for char in token) else _DIGITS_ALONE


def codes(text: str) -> dict[str, tuple[str, ...]]:
    """The codes of a text, folded, each with all the ways it may be written, itself first.

    `0x80070005` is also `80070005`, `KB5034441` is also the number alone, and "KB 5034441" may be one word.
    """
    words = [analysis.fold(word) for word in analysis.words(text)]
    found: dict[str, tuple[str, ...]] = {}
    for before, word in zip(["", *words], words, strict=False):
        joined = before + word
        if _NAME.fullmatch(before) and _NUMBER.fullmatch(word) and is_code(joined):
            found[joined] = (joined, word) if is_code(word) else (joined,)
        elif is_code(word):
            found[word] = _spellings(word)
    return found


def named(
    text: str, snapshot: Snapshot, group: Rows, visible: Visible, leave_out: Sequence[int] = ()
) -> NDArray[np.float32]:
    """How surely the codes of a question name each article of a snapshot: float32 of shape (articles,), 0 to 1.

    A code that one article has names it, one that many have says little; of several codes each has its share.
    `group` tells which are translations of one article, `leave_out` is as in kb.search.Searcher.find. Only
    articles that are `visible` count: else it would show to everybody whether an internal article has a code.
    """
    speaking = np.zeros(len(group), np.float32)
    total, surest = 0.0, 0.0
    for spellings in codes(text).values():
        held = {one: {n for n in snapshot.words.documents_with([one]) if visible[n]} for one in spellings}
        written = [spelling for spelling, numbers in held.items() if numbers]
        holding = set().union(*held.values())
        for owner in {int(snapshot.owner[row]) for row in leave_out}:
            if not _holds_beside(owner, leave_out, spellings, snapshot):
                holding.discard(owner)
        if holding:
            numbers = np.fromiter(holding, np.int64, len(holding))
            among = len(np.unique(group[visible]))
            sure = max(map(certainty, written)) * _rarity(len(np.unique(group[numbers])), among)
            speaking[numbers] += sure
            total, surest = total + sure, max(surest, sure)
    return speaking * np.float32(surest / total) if total else speaking


def _rarity(holding: int, count: int) -> float:
    """The idf of BM25 of what `holding` of `count` articles have, as a share of that of what one has."""
    idf, rarest = (np.log1p((count - held + 0.5) / (held + 0.5)) for held in (holding, 1))
    return float(idf / rarest)


def _holds_beside(number: int, leave_out: Sequence[int], spellings: Sequence[str], snapshot: Snapshot) -> bool:
    """Whether an article has a code in another of its rows than these, or among its keywords."""
    entry = snapshot.entries[number]
    texts = [snapshot.passages[row].text for row in entry.rows if row not in leave_out]
    return any(code in spellings for text in (*texts, *entry.article.keywords) for code in codes(text))


def _spellings(code: str) -> tuple[str, ...]:
    if hexadecimal := _HEXADECIMAL.fullmatch(code):
        prefix, digits = hexadecimal.groups()
        return (code, digits if prefix else f"0x{digits}")
    if named := _NAMED.fullmatch(code):
        return (code, named[2])
    return (code,)
