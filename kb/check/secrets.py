"""Keys, tokens and passwords that were pasted in.

The patterns are those of prefixes that providers publish so that scanners can find them, as gitleaks collects them
(https://github.com/gitleaks/gitleaks, MIT). Words like `password: …` are left out: help pages are full of them.
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

_KINDS: dict[str, tuple[str, str]] = {
    "aws": ("a key of Amazon Web Services", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    "github": ("a token of GitHub", r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{82})\b"),
    "gitlab": ("a token of GitLab", r"\bgl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|soat)-[\w-]{20,64}\b"),
    "slack": ("a token of Slack", r"\bxox[abeoprs]-(?:\d{6,14}-){1,3}[0-9A-Za-z]{10,64}\b"),
    "slackhook": (
        "an address that writes into Slack",
        r"\bhooks\.slack\.com/(?:services|workflows)/T[0-9A-Z]{6,12}/[0-9A-Z]{6,14}/\w{20,50}",
    ),
    "stripe": ("a key of Stripe", r"\b[rs]k_live_[0-9A-Za-z]{16,120}\b"),
    "google": ("a key of Google", r"\bAIza[\w-]{35}(?![\w-])"),
    "openai": ("a key of OpenAI", r"\bsk-(?:proj-|svcacct-|admin-)?[\w-]{20,80}T3BlbkFJ[\w-]{20,80}"),
    "anthropic": ("a key of Anthropic", r"\bsk-ant-(?:api|admin)\d\d-[\w-]{80,120}"),
    "huggingface": ("a token of Hugging Face", r"\bhf_[A-Za-z]{34}\b"),
    "npm": ("a token of npm", r"\bnpm_[0-9A-Za-z]{36}\b"),
    "pypi": ("a token of PyPI", r"\bpypi-AgE[\w-]{50,200}"),
    "sendgrid": ("a key of SendGrid", r"\bSG\.[\w-]{22}\.[\w-]{43}"),
    "azure": ("a key of an Azure storage account", r"\bAccountKey=[0-9A-Za-z+/]{86}=="),
    "firstline": (
        "a token or a webhook's secret of Firstline",
        r"\b(?:fl_[\w-]{40,64}|whsec_[0-9A-Za-z+/]{32,88}={0,2})",
    ),
    "jwt": ("a signed token (JWT)", r"\beyJ[\w-]{14,800}\.eyJ[\w-]{14,2000}\.[\w-]{20,800}"),
    "private": (
        "a private key",
        r"-----BEGIN (?:[A-Z]{2,9} ){0,2}PRIVATE KEY(?: BLOCK)?-----\s{1,4}"
        r"(?:[A-Za-z-]{1,20}: [^\n]{0,200}\n)*\s{0,4}[0-9A-Za-z+/=]{40,80}",
    ),
    "password": (
        "a password in an address",
        r"(?<![\w.+-])[a-z][a-z0-9+.-]{1,15}://[^\s/:@\"'<>`\[({|]{1,80}:(?P<word>[^\s/:@\"'<>`\])}|]{4,80})@(?P<host>[\w.-]{3,120})",
    ),
}  # fmt: skip
_SECRET = re.compile("|".join(f"(?P<{name}>{pattern})" for name, (_, pattern) in _KINDS.items()))
#: A file without any of these holds none of the above; most files are told by this alone.
_HINTS = (
    "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glptt-", "gldt-",
    "glrt-", "glcbt-", "glft-", "glimt-", "glagent-", "glsoat-", "xox", "hooks.slack", "_live_", "AIza", "T3BlbkFJ",
    "sk-ant-", "hf_", "npm_", "pypi-", "SG.", "AccountKey=", "fl_", "whsec_", "eyJ", "PRIVATE KEY", "://",
)  # fmt: skip
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
        if not any(hint in page.text for hint in _HINTS):
            continue
        if not any(hint in page.text for hint in _HINTS[:-1]) and not _WITH_PASSWORD.search(page.text):
            continue
        yield from _of(page, today)


def _of(page: Page, today: date) -> Iterator[Finding]:
    breaks = [place for place, char in enumerate(page.text) if char == "\n"]
    for match in _SECRET.finditer(page.text):
        kind = match.lastgroup if match.lastgroup not in ("word", "host") else "password"
        if kind is None or _harmless(kind, match) or (kind == "jwt" and _expired(match[0], today)):
            continue
        line = page.row or bisect_right(breaks, match.start()) + 1
        message = f"This looks like {_KINDS[kind][0]}: {_masked(match[0])}."
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
