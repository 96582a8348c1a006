"""Keys, tokens and passwords that were pasted in.

The patterns stand in `kb.credentials`. Words like `password: …` are left out: help pages are full of them.
"""

from __future__ import annotations

import base64
import json
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import date

from kb.check.pages import Page, Pages
from kb.check.report import Finding, error
from kb.credentials import KINDS, tokens_in

_PASSWORD = KINDS["password"].pattern
_WITH_PASSWORD = re.compile(r"://[^\s/@]{1,160}@")
_PLACEHOLDER = re.compile(
    r"x{4,}|\*{3,}|\.{3}|(?:example|sample|dummy|placeholder|redacted|your|changeme|password|passwd|secret|token|pass|pwd"
    r"|hunter2|1234)",
    re.IGNORECASE,
)
_EXAMPLE_HOST = re.compile(
    r"(?:^|\.)(?:example(?:\.\w+)?|test|invalid|localhost|contoso\.com|fabrikam\.com|host|server)$"
)
#: What stands behind `=`, `:` or "Bearer" and is long enough for a key; what stands before it says whether it is one.
_GIVEN = re.compile(
    r"""(?:[:=]["'`]?[ \t]{0,3}["'`]?|\b[Bb]earer[ ])(?P<word>[0-9A-Za-z+/_~.-]{32,200}={0,2})(?![\w+/=~-])"""
)
_CALLED = re.compile(r"(?:key|secret|token)(?:[ _-]?(?:value|id))?[\"'`\]*]{0,3}[ \t]{0,3}\Z", re.IGNORECASE)
#: Bits a character; keys of providers lie above 3.5, words and repeated letters below.
_LEAST_ENTROPY = 3.0
#: Of what has no mark of a provider. 32 random hexadecimal digits have 3.6 on average.
_LEAST_ENTROPY_OF_NAMED = 3.2


def secrets(pages: Pages, today: date) -> Iterator[Finding]:
    for page in pages.pages:
        seen: list[tuple[int, int]] = []
        found: dict[int, tuple[str, str]] = {}
        for kind, match in tokens_in(page.text):
            seen.append(match.span())
            if not _harmless(kind, match[0]) and not (kind == "jwt" and _expired(match[0], today)):
                found[match.start()] = KINDS[kind].said, match[0]
        if _WITH_PASSWORD.search(page.text):
            for match in _PASSWORD.finditer(page.text):
                seen.append(match.span())
                if not _no_password(match):
                    found[match.start()] = KINDS["password"].said, match[0]
        for match in _GIVEN.finditer(page.text):
            if _is_named(match) and not any(start < match.end() and match.start() < end for start, end in seen):
                found[match.start("word")] = "a key or token", match["word"]
        if found:
            yield from _told(page, found)


def _told(page: Page, found: dict[int, tuple[str, str]]) -> Iterator[Finding]:
    breaks = [place for place, char in enumerate(page.text) if char == "\n"]
    for start, (said, written) in sorted(found.items()):
        line = page.row or bisect_right(breaks, start) + 1
        message = f"This looks like {said}: {_masked(written)}."
        fix = "Take it out here and withdraw it where it came from: what was pushed stays in the history."
        yield error(page.path, line, "secret", message, fix)


def _is_named(match: re.Match[str]) -> bool:
    """Whether what follows "api_key =" is made up at random: digits and letters without words."""
    word = match["word"]
    before = match.string[max(0, match.start() - 40) : match.start()]
    if not (match[0][0] in "Bb" or _CALLED.search(before)) or "public" in before.lower():
        return False
    if not (re.search(r"\d", word) and re.search(r"[A-Za-z]", word)) or _PLACEHOLDER.search(word):
        return False
    plain = re.fullmatch(r"[0-9a-fA-F]+", word) or (re.search(r"[a-z]", word) and re.search(r"[A-Z]", word))
    # Paths and names of many words: `Software/Microsoft/Office/16.0/…`, `my-long-name-of-a-thing-2`.
    words = sum(map(len, re.findall(r"[a-z]{5,}", word))) > len(word) / 4
    return bool(plain) and not words and _entropy(word) >= _LEAST_ENTROPY_OF_NAMED


def _harmless(kind: str, written: str) -> bool:
    if kind == "private":
        return False
    return bool(re.search(r"EXAMPLE|(?i:x{6,}|example|your[_-])", written)) or _entropy(written) < _LEAST_ENTROPY


def _no_password(match: re.Match[str]) -> bool:
    word = match["word"]
    return bool(_PLACEHOLDER.search(word) or _EXAMPLE_HOST.search(match["host"].lower()) or word[0] in "$%<{")


def _expired(token: str, today: date) -> bool:
    """Whether a signed token says itself that it has ended (RFC 7519, `exp`)."""
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return date.fromtimestamp(float(claims["exp"])) < today
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return False


def _entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _masked(written: str) -> str:
    """Its first characters: a finding goes into logs that more people read than the article."""
    first = written.split("://")[0] + "://…" if "://" in written else written[:8] + "…"
    return " ".join(first.split())
