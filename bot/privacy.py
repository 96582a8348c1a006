"""Masks personal data in what people wrote, before anything of it is kept."""

from __future__ import annotations

import re
import unicodedata

from bot.identity import ID, IP, MAC, mask_addresses, mask_ids
from bot.said import CODE, NAME, PASSWORD, TOKEN, mask_names, mask_said
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
MASKS = (EMAIL, PHONE, CARD, ACCOUNT, PASSWORD, CODE, TOKEN, ID, IP, MAC, NAME)

#: Before a run of digits these say what it numbers, and that is no person.
_NUMBERED = re.compile(
    r"\b(?:orders?|part|sku|item|case|tickets?|bug|issue|event|quota|error|errors|code|bestellung|bestell-?n(?:ummer|r)|auftrag\w*"
    r"|artikel-?(?:nummer|nr)?|vorgang\w*|fehler(?:code|nummer)?|kontingent|pedido|referencia|incidencia|caso|error|código|cuota"
    r"|commande|référence|dossier|erreur|ordine|articolo|errore|codice|bestelling|bestelnummer|artikelnummer|zaak|fout(?:code)?"
    r"|zamówieni[ea]|zgłoszeni[ea]|indeks|sprawa|bł[ęą]d\w*|заказ\w?|заявк\w|артикул|обращени[ея]|ошибк[аи]|баг)"
    r"(?:[\s:#№.-]{1,3}(?:number|no|nr|nummer|número|numéro|numero|code|id|no\.|nr\.))?[\s:#№=]{1,3}\Z",
    re.IGNORECASE,
)
#: What may follow a number that is an amount: its decimals, or a unit.
_AMOUNT = re.compile(
    r",\d\d\b|\s?(?:bytes?|bajt\w*|octets?|байт\w*|[KMGT]i?B\b|[КМГ]Б\b|€|\$|EUR\b|USD\b|PLN\b|zł|руб|%)", re.IGNORECASE
)


_ONE_DIGIT, _TWO_DIGITS = re.compile(r"\d"), re.compile(r"[a-fA-F\d]\d|\d[a-fA-F\d]|::")


def to_keep(text: str) -> str:
    """What is kept of a text: printable, with personal data masked."""
    return mask(printable(text))


def mask(text: str) -> str:
    """The text with personal data replaced by a word in brackets (MASKS); masked again, it stays as it is.

    Dates, version numbers, private IP addresses and error codes stay: they are what a question is about, and so do the
    numbers of orders and tickets. Any other run of seven digits or more is masked, since a number kept by mistake
    cannot be taken back. docs/privacy.md has what is found of which kind.
    """
    text = mask_said(text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(EMAIL, text)
    if _TWO_DIGITS.search(text):
        text = IBAN.sub(lambda match: ACCOUNT if is_iban(match[0]) else match[0], text)
        text = mask_addresses(mask_ids(text))
    if _ONE_DIGIT.search(text):
        text = _DIGITS.sub(_number, text)
    return mask_names(text)


def _number(match: re.Match[str]) -> str:
    written = match[0]
    digits = re.sub(r"\D", "", written)
    if match["kept"] or _is_amount(match, digits):
        return written
    if 13 <= len(digits) <= 19 and passes_luhn(digits):
        return CARD
    if written.isdecimal() and _NUMBERED.search(match.string, max(0, match.start() - 32), match.start()):
        return written
    if written.startswith(("+", "00", "(")) or (len(digits) <= 13 and re.search(r"\D", written)):
        return PHONE
    return PHONE if written.startswith("0") and len(digits) <= 12 else ACCOUNT


def _is_amount(match: re.Match[str], digits: str) -> bool:
    """Thousands with spaces between look like a telephone number; what follows them tells, or that they are round."""
    if not re.fullmatch(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})++(?:\.\d\d)?", match[0]):
        return False
    if match[0][-3] == ".":
        return True
    return digits.endswith("000000") or _AMOUNT.match(match.string, match.end()) is not None


def printable(text: str) -> str:
    """The text without control characters and halves of surrogate pairs; what separates words becomes a line end."""
    return "".join(map(_character, text.replace("\r\n", "\n")))


def _character(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"):
        return char
    return "\n" if char.isspace() else ""
