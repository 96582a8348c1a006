"""Patterns of keys and tokens, and of passwords in addresses, that articles and questions share.

The prefixes are those that providers publish so that scanners can find them, as gitleaks collects them
(https://github.com/gitleaks/gitleaks, MIT).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of secret. `hints` are words of which every such secret holds one: most texts are told by these alone."""

    said: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _kind(said: str, hints: str, pattern: str) -> Kind:
    return Kind(said, tuple(hints.split()), re.compile(pattern))


_HEX32 = r"[0-9a-f]{32}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
#: A password in an address is the last: bot/said.py masks those in its own way.
KINDS: dict[str, Kind] = {
    "aws": _kind("a key of Amazon Web Services", "AKIA ASIA ABIA ACCA", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    "github": _kind(
        "a token of GitHub",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{82})\b",
    ),
    "gitlab": _kind(
        "a token of GitLab",
        "glpat- glptt- gldt- glrt- glcbt- glft- glimt- glagent- glsoat-",
        r"\bgl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|soat)-[\w-]{20,64}\b",
    ),
    "slack": _kind(
        "a token of Slack",
        "xox xapp-",
        r"\bxox[abeoprs]-(?:\d{6,14}-){1,3}[0-9A-Za-z]{10,64}\b|\bxapp-\d-[0-9A-Z]{8,14}-\d{10,14}-[0-9a-f]{64}\b",
    ),
    "slackhook": _kind(
        "an address that writes into Slack",
        "hooks.slack",
        r"\bhooks\.slack\.com/(?:services|workflows)/T[0-9A-Z]{6,12}/[0-9A-Z]{6,14}/\w{20,50}",
    ),
    "stripe": _kind("a key of Stripe", "_live_", r"\b[rs]k_live_[0-9A-Za-z]{16,120}\b"),
    "google": _kind(
        "a key of Google",
        "AIza GOCSPX- :APA91b",
        r"\bAIza[\w-]{35}(?![\w-])|\bGOCSPX-[\w-]{28}(?![\w-])|:APA91b[\w-]{120,180}",
    ),
    "openai": _kind("a key of OpenAI", "T3BlbkFJ", r"\bsk-(?:proj-|svcacct-|admin-)?[\w-]{20,80}T3BlbkFJ[\w-]{20,80}"),
    "anthropic": _kind("a key of Anthropic", "sk-ant-", r"\bsk-ant-(?:api|admin)\d\d-[\w-]{80,120}"),
    "huggingface": _kind("a token of Hugging Face", "hf_", r"\bhf_[A-Za-z]{34}\b"),
    "npm": _kind("a token of npm", "npm_", r"\bnpm_[0-9A-Za-z]{36}\b"),
    "pypi": _kind("a token of PyPI", "pypi-", r"\bpypi-AgE[\w-]{50,200}"),
    "sendgrid": _kind("a key of SendGrid", "SG.", r"\bSG\.[\w-]{22}\.[\w-]{43}"),
    "azure": _kind("a key of an Azure storage account", "AccountKey=", r"\bAccountKey=[0-9A-Za-z+/]{86}=="),
    "sas": _kind("a signed address of Azure", "sig=", r"[?&]sig=[0-9A-Za-z%]{40,90}%3[Dd]"),
    "entra": _kind("a client secret of Microsoft Entra", "Q~", r"(?<![\w.~-])[\w.~]{3}\dQ~[\w.~-]{31,34}(?![\w.~-])"),
    "age": _kind("a key of age", "AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    "atlassian": _kind("a token of Atlassian", "ATATT3", r"\bATATT3[\w=-]{100,260}"),
    "cloudflare": _kind("a key of Cloudflare", "v1.0-", r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{146}\b"),
    "databricks": _kind("a token of Databricks", "dapi", rf"\bdapi{_HEX32}\b"),
    "digitalocean": _kind("a token of DigitalOcean", "_v1_", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    "discord": _kind(
        "an address that writes into Discord",
        "/api/webhooks/",
        r"\bdiscord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,80}",
    ),
    "docker": _kind("a token of Docker", "dckr_", r"\bdckr_[op]at_[\w-]{27,40}"),
    "facebook": _kind("a token of Facebook", "EAA", r"\bEAA[0-9A-Za-z]{100,300}\b"),
    "grafana": _kind("a token of Grafana", "glsa_", r"\bglsa_[0-9A-Za-z]{32}_[0-9a-fA-F]{8}\b"),
    "heroku": _kind("a key of Heroku", "HRKU-", r"\bHRKU-AA[\w-]{58}"),
    "hubspot": _kind("a token of HubSpot", "pat-eu pat-na", rf"\bpat-(?:eu|na)\d-{_UUID}\b"),
    "linear": _kind("a key of Linear", "lin_api_", r"\blin_api_[0-9A-Za-z]{40}\b"),
    "mailchimp": _kind(
        "a key of Mailchimp", "-us1 -us2 -us3 -us4 -us5 -us6 -us7 -us8 -us9", rf"\b{_HEX32}-us\d{{1,2}}\b"
    ),
    "mailgun": _kind("a key of Mailgun", "key-", rf"\bkey-{_HEX32}\b"),
    "newrelic": _kind("a key of New Relic", "NRAK-", r"\bNRAK-[0-9A-Z]{27}\b"),
    "notion": _kind("a token of Notion", "ntn_", r"\bntn_[0-9A-Za-z]{40,50}\b"),
    "okta": _kind("a token of Okta", "SSWS", r"\bSSWS 00[\w-]{38,42}"),
    "postman": _kind("a key of Postman", "PMAK-", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),
    "rubygems": _kind("a key of RubyGems", "rubygems_", r"\brubygems_[0-9a-f]{48}\b"),
    "sentry": _kind("a token of Sentry", "sntrys_ sntryu_", r"\bsntry[su]_[\w=+/]{60,200}"),
    "shopify": _kind("a token of Shopify", "shpat_ shpca_ shppa_ shpss_", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    "square": _kind("a key of Square", "sq0", r"\bsq0(?:atp|csp|idp)-[\w-]{22,43}"),
    "teams": _kind(
        "an address that writes into Microsoft Teams",
        ".webhook.office.com",
        rf"\.webhook\.office\.com/webhookb2/[0-9a-f@-]{{36,80}}/IncomingWebhook/{_HEX32}",
    ),
    "telegram": _kind("a token of Telegram", ":AA", r"\b\d{8,10}:AA[\w-]{33}(?![\w-])"),
    "terraform": _kind("a token of Terraform", ".atlasv1.", r"\b[0-9A-Za-z]{14}\.atlasv1\.[\w=-]{60,70}"),
    "twilio": _kind("a key of Twilio", "SK", rf"\bSK{_HEX32}\b"),
    "vault": _kind("a token of HashiCorp Vault", "hvs. hvb.", r"\bhv[bs]\.[\w-]{80,200}"),
    "firstline": _kind(
        "a token or a webhook's secret of Firstline",
        "fl_ whsec_",
        r"\b(?:fl_[\w-]{40,64}|whsec_[0-9A-Za-z+/]{32,88}={0,2})",
    ),
    "jwt": _kind("a signed token (JWT)", "eyJ", r"\beyJ[\w-]{14,800}\.eyJ[\w-]{14,2000}\.[\w-]{20,800}"),
    "private": _kind(
        "a private key",
        "PRIVATE",
        r"-----BEGIN (?:[A-Z]{2,9} ){0,2}PRIVATE KEY(?: BLOCK)?-----\s{1,4}"
        r"(?:[A-Za-z-]{1,20}: [^\n]{0,200}\n)*\s{0,4}[0-9A-Za-z+/=]{40,80}",
    ),
    "password": _kind(
        "a password in an address",
        "://",
        r"(?<![\w.+-])[a-z][a-z0-9+.-]{1,15}://[^\s/:@\"'<>`\[({|]{0,80}:(?P<word>[^\s/:@\"'<>`\])}|]{4,80})@(?P<host>[\w.-]{3,120})",
    ),
}


def tokens_in(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """(key in KINDS, where it stands) of every key and token in a text, kind by kind; passwords in addresses are left
    out.
    """
    for name, kind in KINDS.items():
        if name != "password" and any(hint in text for hint in kind.hints):
            for match in kind.pattern.finditer(text):
                yield name, match


def without_tokens(text: str, mask: str) -> str:
    """The text with `mask` in the place of every key and token."""
    for name, kind in KINDS.items():
        if name != "password" and any(hint in text for hint in kind.hints):
            text = kind.pattern.sub(mask, text)
    return text
