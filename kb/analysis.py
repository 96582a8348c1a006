"""Words of a text as terms of the lexical index: folded, stemmed by language, codes kept whole."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import Stemmer

#: Languages Snowball has a stemmer for; words of others are only folded.
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "nb": "norwegian", "nn": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

#: A run of letters and digits; inner dots, hyphens, underscores and apostrophes hold a code or name together.
_TOKEN = re.compile(r"[^\W_]+(?:[._'’\-/\\]+[^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"\d")
#: Scripts written without spaces: pairs of characters stand for words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_LETTERS_WITHOUT_MARK = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"})
_MAX_TOKEN = 64
_local = threading.local()


def fold(text: str) -> str:
    """Lower case without accents: `Ł`, `É` and `ß` become `l`, `e` and `ss`."""
    spread = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS_WITHOUT_MARK))
    return "".join(char for char in spread if not unicodedata.combining(char))


@lru_cache(maxsize=64)
def _language(lang: str) -> str | None:
    name = STEMMERS.get(lang)
    return name if name in Stemmer.algorithms() else None


def _stemmer(name: str) -> Any:
    # A stemmer object is not safe to share between threads.
    held: dict[str, Any] = _local.__dict__.setdefault("stemmers", {})
    if name not in held:
        held[name] = Stemmer.Stemmer(name)
    return held[name]


def is_unspaced(word: str) -> bool:
    """Whether a word is in a script that puts no spaces between words (Chinese, Japanese, Thai, Khmer)."""
    return _UNSPACED.search(word) is not None


def words(text: str) -> list[str]:
    """The words of a text as written, in lower case, codes and hyphenated names whole."""
    return [match[0].casefold() for match in _TOKEN.finditer(text)]


def terms(text: str, langs: Iterable[str]) -> list[str]:
    """The terms of a text, each word stemmed for each of `langs`; equal stems of one word count once.

    A code counts whole and in its parts. Text in a script without spaces gives pairs of characters.
    """
    names = tuple(name for name in dict.fromkeys(map(_language, langs)) if name)
    found: list[str] = []
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text)):
        found += _terms_of(match[0].casefold()[:_MAX_TOKEN], names)
    return found


@lru_cache(maxsize=65536)  # a base says the same words again and again: 4 of 5 seconds of their terms are saved
def _terms_of(token: str, stemmers: tuple[str, ...]) -> tuple[str, ...]:
    """The terms of one folded run of letters and digits."""
    found: list[str] = []
    parts = _PART.findall(token)
    if len(parts) > 1:
        found.append(fold(token))
    for part in parts:
        if _UNSPACED.search(part):
            found.extend(part[n : n + 2] for n in range(max(1, len(part) - 1)))
        elif _DIGIT.search(part) or not stemmers:
            found.append(fold(part))
        else:
            found.extend(dict.fromkeys(fold(_stemmer(name).stemWord(part)) for name in stemmers))
    return tuple(found)
