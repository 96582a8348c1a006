"""Patterns of personal data that articles and questions share: account and card numbers."""

from __future__ import annotations

import re
from string import ascii_uppercase

#: ISO 13616: how long an account number is, by country, country and check digits included.
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
#: What is written like an account number; `is_iban` tells whether it is one.
IBAN = re.compile(
    "|".join(
        rf"\b(?:{countries.replace(' ', '|')})\d\d(?:[ \u00a0\u202f-]?[A-Z0-9]){{{length - 4}}}\b"
        for length, countries in _IBAN_LENGTHS.items()
    ),
    re.IGNORECASE | re.ASCII,
)


def is_iban(written: str) -> bool:
    """ISO 13616: the rearranged number leaves 1 when divided by 97."""
    compact = re.sub(r"[^A-Z0-9]", "", written.upper())
    number = "".join(str(ascii_uppercase.index(c) + 10) if c.isalpha() else c for c in compact[4:] + compact[:4])
    return int(number) % 97 == 1


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, the check digit of card numbers."""
    doubled = [int(digit) * (2 if n % 2 else 1) for n, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
