"""Patterns of keys and tokens, and of passwords in addresses, that articles and questions share.

The prefixes are those that providers publish so that scanners can find them, as gitleaks collects them
(https://github.com/gitleaks/gitleaks, MIT).
"""

from __future__ import annotations

import re

#: What each is called, and how it looks.
KINDS: dict[str, tuple[str, str]] = {
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
SECRET = re.compile("|".join(f"(?P<{name}>{pattern})" for name, (_, pattern) in KINDS.items()))
#: A text without any of these holds none of the above but a password in an address; most are told by this alone.
HINTS = (
    "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glptt-", "gldt-",
    "glrt-", "glcbt-", "glft-", "glimt-", "glagent-", "glsoat-", "xox", "hooks.slack", "_live_", "AIza", "T3BlbkFJ",
    "sk-ant-", "hf_", "npm_", "pypi-", "SG.", "AccountKey=", "fl_", "whsec_", "eyJ", "PRIVATE KEY",
)  # fmt: skip
