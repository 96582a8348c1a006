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
from kb.credentials import HINTS, KINDS, SECRET

_WITH_PASSWORD = re.compile(r"://[^\s/@]{1,160}@")
_PLACEHOLDER = re.compile(
    r"x{4,}|\*{3,}|\.{3}|(?:example|sample|dummy|placeholder|redacted|your|changeme|password|passwd|secret|token|pass|pwd"
    r"|hunter2|1234)",
    re.IGNORECASE,
)
_EXAMPLE_HOST = re.compile(
    r"(?:^|\.)(?:example(?:\.\w+)?|test|invalid|localhost|contoso\.com|fabrikam\.com|host|server)$"
)
#: Bits a character; keys of providers lie above 3.5, words and repeated letters below.
_LEAST_ENTROPY = 3.0


def secrets(pages: Pages, today: date) -> Iterator[Finding]:
    for page in pages.pages:
        if not (any(hint in page.text for hint in HINTS) or "://" in page.text):
            continue
        if not any(hint in page.text for hint in HINTS) and not _WITH_PASSWORD.search(page.text):
            continue
        yield from _of(page, today)


def _of(page: Page, today: date) -> Iterator[Finding]:
    breaks = [place for place, char in enumerate(page.text) if char == "\n"]
    for match in SECRET.finditer(page.text):
        kind = match.lastgroup if match.lastgroup not in ("word", "host") else "password"
        if kind is None or _harmless(kind, match) or (kind == "jwt" and _expired(match[0], today)):
            continue
        line = page.row or bisect_right(breaks, match.start()) + 1
        message = f"This looks like {KINDS[kind][0]}: {_masked(match[0])}."
        fix = "Take it out here and withdraw it where it came from: what was pushed stays in the history."
        yield error(page.path, line, "secret", message, fix)


def _harmless(kind: str, match: re.Match[str]) -> bool:
    written = match[0]
    if kind == "private":
        return False
    if kind == "password":
        word = match["word"]
        return bool(_PLACEHOLDER.search(word) or _EXAMPLE_HOST.search(match["host"].lower()) or word[0] in "$%<{")
    return bool(re.search(r"EXAMPLE|(?i:x{6,}|example|your[_-])", written)) or _entropy(written) < _LEAST_ENTROPY


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
