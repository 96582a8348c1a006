"""Masks personal data in what people wrote, before anything of it is kept."""

from __future__ import annotations

import re
import unicodedata

from kb.personal import IBAN, is_iban, passes_luhn

# Each pattern takes a run of text once, however long and hostile: a run is entered at its start only (a look-behind)
# and never given back (`++`), or it is bounded.
_DOMAIN = r"(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}"
#: Addresses, in an encoded URL too; those glued together (`a@example.com_b@example.com`) are one.
_EMAIL = re.compile(
    rf"(?:(?<![\w.+'%-])[\w.+'%-]++@|(?<![\w.+'-])[\w.+'-]++%40){_DOMAIN}(?:(?:[\w.+'%-]*+@|[\w.+'-]*+%40){_DOMAIN})*+"
)

#: A word character of a script that puts spaces between words: beside one, digits are part of a code.
_LETTER = r"[^\W\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_NO_MORE_DIGITS = r"(?![.\-/]?\d)"
#: Dates with or without a time, years, version numbers, IP addresses; but not a phone or card number with dots:
#: 06.12.34.56.78, 555.123.4567, 4111.1111.1111.1111.
_KEPT = rf"""(?<!{_LETTER})(?<![.+-])(?!0\d(?:\.\d\d){{4}}\b)(?:
    (?:\d{{4}}-\d{{1,2}}-\d{{1,2}} | \d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}} | \d{{4}}[./]\d{{1,2}}[./]\d{{1,2}})
    (?:,?[ T]{_TIME})?
    | {_TIME}
    | (?:19|20)\d\d[ ]?[/–-][ ]?(?:19|20)\d\d
    | (?!0\d | (?:1\.)?\d{{3}}\.\d{{3}}\.\d{{3,4}}\b(?!\.) | \d{{4}}(?:\.\d{{4}}){{3}}\b)
      \d{{1,5}}(?:\.\d{{1,5}}){{2,5}}(?:/\d{{1,2}})?
    | [1-9]\d{{4}}\.\d{{1,5}}
    | \d\.\d++
){_NO_MORE_DIGITS}"""
#: What may follow a number after a space and is no part of it: a date, a version ("Windows 10 10.0.19045"), an address.
_NEXT = rf"""(?:
    \d{{4}}-\d\d?-\d\d? | \d\d?[./-]\d\d?[./-](?:19|20)\d\d
    | (?:\d\.\d{{1,5}} | \d\d\.\d)(?:\.\d{{1,5}})+ | [1-9]\d{{4}}\.\d{{1,5}}
    | (?:{_OCTET}\.){{3}}{_OCTET}
){_NO_MORE_DIGITS}"""
#: Digits with the separators people put between them; what they are is decided by the digits. Not after KB, "#" or "-".
_NUMBER = rf"""(?<!{_LETTER})(?<![\#-])(?<!\d\.)(?<!\b[Kk][Bb]\ )
    (?:\+|00|\()?\d(?:(?:[ ()./\u00a0\u202f\u2011\u2013-]{{1,3}}(?!(?<=\ ){_NEXT}))?\d){{6,}}(?!{_LETTER}|-\w)"""
_DIGITS = re.compile(rf"(?P<kept>{_KEPT})|{_NUMBER}", re.VERBOSE)

EMAIL, PHONE, CARD, ACCOUNT = "[email]", "[phone]", "[card number]", "[account number]"
MASKS = (EMAIL, PHONE, CARD, ACCOUNT)


def to_keep(text: str) -> str:
    """What is kept of a text: printable, with personal data masked."""
    return mask(printable(text))


def mask(text: str) -> str:
    """The text with e-mail addresses, phone, card and account numbers replaced by a word in brackets.

    Dates, version numbers, IP addresses and error codes stay: they are what a question is about. A run of seven digits
    or more that is none of these is masked, since a number kept by mistake cannot be taken back.
    """
    text = _EMAIL.sub(EMAIL, text)
    text = IBAN.sub(lambda match: ACCOUNT if is_iban(match[0]) else match[0], text)
    return _DIGITS.sub(_number, text)


def _number(match: re.Match[str]) -> str:
    written = match[0]
    digits = re.sub(r"\D", "", written)
    if match["kept"]:
        return written
    if 13 <= len(digits) <= 19 and passes_luhn(digits):
        return CARD
    if written.startswith(("+", "00", "(")) or (len(digits) <= 13 and re.search(r"\D", written)):
        return PHONE
    return PHONE if written.startswith("0") and len(digits) <= 12 else ACCOUNT


def printable(text: str) -> str:
    """The text without control characters and halves of surrogate pairs; what separates words becomes a line end."""
    return "".join(map(_character, text.replace("\r\n", "\n")))


def _character(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"):
        return char
    return "\n" if char.isspace() else ""
