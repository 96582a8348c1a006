"""In which language a short question is written, by the n-grams of eldc (https://github.com/nitotm/eldc)."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

#: Always in the running, so that a question in one of these is not taken for the nearest language of the articles.
COMPETITORS = frozenset(("de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru"))
#: Words that are the same in every language: they are left out before anything is detected.
_NAMES = frozenset(
    """
    access acrobat adobe android apple authenticator azure bitlocker canon chrome cisco citrix confluence copilot dell
    docker edge entra epson excel exchange firefox github gitlab gmail google hp imap intune ios ipad iphone jira
    keepass lenovo linux mac macos mfa microsoft mozilla office onedrive onenote outlook pdf pin pop3 powerpoint
    safari salesforce samsung sap sharepoint skype slack smtp sso teams thunderbird ubuntu usb visio vpn webex wi-fi
    wifi windows word xerox zoom
    """.split()
)
#: Words of the trade that most languages borrowed: alone they tell nothing.
_BORROWED = frozenset(
    """
    account app backup browser chat client cloud computer desktop display driver e-mail email emails error file firewall
    hardware internet intranet laptop link login logout mail mailbox malware modem monitor ok online password phishing
    printer provider proxy reset router scanner screenshot server smartphone software spam ssid support tablet ticket
    token update upload url usb-c user username video virus web webcam website
    """.split()
)
_EDGES = re.compile(r"^\W+|\W+$")
#: Numbers and error codes, addresses of all kinds, file names, and names like OneDrive.
_CODE = re.compile(r"\d|[@/\\_]|\w\.\w|[a-z][A-Z]")
_LONGEST_ACRONYM = 5
#: Below this score the letters fit no language in the running. With it and the lead below, 98 of 100 questions of our
#: articles and 97 of 100 titles of help articles (Polish, Dutch, Italian, Russian) are told, and 98 of 100 told are
#: right. Most of the others are English error messages among the questions of a translated article.
_LEAST_SCORE = 0.4
#: Nearer than this, two languages cannot be told apart: `password` is written in Italian and in English.
_LEAST_LEAD = 0.06
#: "ab" is a word of some language or other, and of most questions the start.
_FEWEST_LETTERS = 4
#: Longer texts tell no more, and cost time.
_MOST_CHARACTERS = 1000


def detect(text: str, among: Collection[str]) -> str | None:
    """Which of the languages `among` (ISO 639-1; English always counts as one of them) a question is written in.

    None where it cannot be told, as with names and error codes, or where it is another language.
    """
    scores = _scores(text, among)
    if not scores:
        return None
    (best, score), *others = sorted(scores.items(), key=lambda item: -item[1])
    if score < _LEAST_SCORE or (others and score - others[0][1] < _LEAST_LEAD):
        return None
    return best if best == "en" or best in among else None


def speaks_english(text: str, among: Collection[str]) -> bool:
    """Whether a question can be read as English: no other language is clearly nearer, or nothing in it tells one."""
    scores = _scores(text, among)
    if scores is None:
        return True
    return bool(scores) and scores.get("en", 0.0) > max(scores.values()) - _LEAST_LEAD


def _scores(text: str, among: Collection[str]) -> dict[str, float] | None:
    """Scores (0 to 1) of the languages the words may belong to; None where they are the same in every language."""
    words = _words(text[:_MOST_CHARACTERS])
    letters = "".join(words)
    if all(word.lower() in _BORROWED for word in words) or (letters.isascii() and len(letters) < _FEWEST_LETTERS):
        return None
    # The library reads UTF-8, which has no lone surrogates.
    readable = " ".join(words).encode("utf-8", "replace").decode("utf-8")
    scores: dict[str, float] = _detector(COMPETITORS.union(among)).detect_details(readable).scores
    return scores


def _words(text: str) -> list[str]:
    """The words that may tell a language."""
    shouted = text.isupper()
    found = []
    for part in text.replace("\0", " ").split():
        word = _EDGES.sub("", part)
        acronym = word.isupper() and 1 < len(word) <= _LONGEST_ACRONYM and word.isascii() and not shouted
        if word and not acronym and not _CODE.search(word) and word.lower() not in _NAMES:
            found.append(word)
    return found


@lru_cache(maxsize=16)
def _detector(languages: frozenset[str]) -> Any:
    import eldc

    eldc.init()
    detector = eldc.instance()
    detector.set_languages(sorted(languages.intersection(eldc.LANGUAGES)))
    detector.set_scores(20)
    return detector
