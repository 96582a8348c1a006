"""Masks personal data in what people wrote, before anything of it is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_uppercase

_EMAIL = re.compile(r"[\w.+'%-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}\b", re.IGNORECASE)
#: Dates with or without a time, version numbers and IP addresses; but not 06.12.34.56.78, a French phone number.
_KEPT = r"""(?<![\w.+-])(?!0\d(?:\.\d\d){4}\b)(?:
    (?:\d{4}-\d{1,2}-\d{1,2} | \d{1,2}[./-]\d{1,2}[./-]\d{2,4} | \d{4}[./]\d{1,2}[./]\d{1,2})
    (?:,?[ T]\d{1,2}:\d{2}(?::\d{2})?)?
    | \d{1,5}(?:\.\d{1,5}){2,5}
)(?![.\-/]?\d)"""
#: Digits with the separators people put between them; what they are is decided by the digits.
_NUMBER = r"(?<![\w.,#-])(?:\+|00|\()?\d(?:[ ()./\u00a0-]{0,2}\d){6,22}(?![\w-])"
_DIGITS = re.compile(rf"(?P<kept>{_KEPT})|{_NUMBER}", re.VERBOSE)

EMAIL, PHONE, CARD, ACCOUNT = "[email]", "[phone]", "[card number]", "[account number]"


def mask(text: str) -> str:
    """The text with e-mail addresses, phone, card and account numbers replaced by a word in brackets.

    Dates, version numbers, IP addresses and error codes stay: they are what a question is about. A run of seven digits
    or more that is none of these is masked, since a number kept by mistake cannot be taken back.
    """
    text = _EMAIL.sub(EMAIL, text)
    text = _IBAN.sub(_if(_is_iban, ACCOUNT), text)
    return _DIGITS.sub(_number, text)


def _if(test: Callable[[str], bool], mark: str) -> Callable[[re.Match[str]], str]:
    return lambda match: mark if test(match[0]) else match[0]


def _number(match: re.Match[str]) -> str:
    written = match[0]
    digits = re.sub(r"\D", "", written)
    if match["kept"]:
        return written
    if 13 <= len(digits) <= 19 and _passes_luhn(digits):
        return CARD
    if written.startswith(("+", "00", "(")) or (len(digits) <= 13 and re.search(r"\D", written)):
        return PHONE
    return PHONE if written.startswith("0") and len(digits) <= 12 else ACCOUNT


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, the check digit of card numbers."""
    doubled = [int(digit) * (2 if n % 2 else 1) for n, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_iban(written: str) -> bool:
    """ISO 13616: the rearranged number leaves 1 when divided by 97."""
    compact = re.sub(r"[ -]", "", written).upper()
    if not 15 <= len(compact) <= 34:
        return False
    number = "".join(str(ascii_uppercase.index(c) + 10) if c.isalpha() else c for c in compact[4:] + compact[:4])
    return int(number) % 97 == 1
