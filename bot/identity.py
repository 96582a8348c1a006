"""Numbers that a country, a network or a maker of devices gave to one person or thing."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address, ip_address

ID, IP, MAC = "[id number]", "[IP address]", "[MAC address]"

# --- ids of the countries whose languages the interface speaks -----------------------------------------------------

#: What they are called, and then a value with five digits or more, not far from it and in the same sentence.
_CALLED = re.compile(
    r"\b(?:(?i:ssn|social security(?: number)?|national insurance|ni number|nino|nhs number|passport|driving licence"
    r"|steuer-?id(?:entifikationsnummer)?|idnr|sozialversicherungsnummer|sv-nummer|renten(?:versicherungs)?-?(?:nr|nummer)"
    r"|(?:personal)?ausweis(?:nummer|nr)?|reisepass(?:nummer)?|seguridad social|pasaporte|n[º°] de afiliación"
    r"|sécurité sociale|sécu|passeport|codice fiscale|carta d['’]identità|passaporto|bsn|burgerservicenummer|paspoort"
    r"|pesel|dow[óo]d|paszport|снилс|инн|паспорт(?:а|е)?)|DNI|NIE|NIF|NIR|CF)\b"
    r"(?P<gap>[^\d\n.!?]{0,24}[^\w\n!?]|\.:?\s)"
    r"(?P<secret>(?!0x)(?:[A-Za-z]{1,3} ?)?\d[\dA-Za-z]{0,20}"
    r"(?:[ ./-](?:\d[\dA-Za-z]{0,12}|[A-Z]{1,2}(?![A-Za-z]))){0,8})(?!\w)"
)
_CODICE_FISCALE = re.compile(
    r"(?<!\w)[A-Z]{6}\d\d[A-EHLMPRST](?:[0-6]\d|7[01])[A-Z]\d{3}[A-Z](?!\w)", re.IGNORECASE | re.ASCII
)
#: National Insurance, without the prefixes that are never given out.
_NINO = re.compile(r"(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)")
_RENTEN = re.compile(r"(?<!\w)\d\d ?(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d ?[A-Z] ?\d{3}(?!\w)")
_DNI = re.compile(r"(?<!\w)(?:(?P<dni>\d{8})|(?P<nie>[XYZ])-?(?P<rest>\d{7}))[- ]?(?P<check>[A-Z])(?!\w)")
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"

# --- addresses -----------------------------------------------------------------------------------------------------

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_V4 = re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\w|\.\d)")
_V6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE | re.ASCII)
_MAC = re.compile(
    r"(?<![\w:-])[0-9a-f]{2}(?P<s>[:-])(?:[0-9a-f]{2}(?P=s)){4}[0-9a-f]{2}(?![\w:-])"
    r"|(?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.])",
    re.IGNORECASE | re.ASCII,
)
#: Before four numbers with dots these say that they are a version.
_VERSION = re.compile(
    r"(?:\bv|\bver|version\w{0,8}|versi[óo]n\w{0,8}|versione|versie|wersj\w|верси\w|build|firmware|release|driver|treiber|bios|rev)[\s:=.]{0,3}\Z",
    re.IGNORECASE,
)
#: No id has fewer digits; no address has fewer separators.
_DIGITS = re.compile(r"\d\d")
_ADDRESS = re.compile(r"[0-9a-fA-F]{0,4}[.:-][0-9a-fA-F]{0,4}[.:-][0-9a-fA-F]")
#: Name servers that are everybody's.
_RESOLVERS = frozenset("1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220".split())


def mask_ids(text: str) -> str:
    """The text with national ids replaced by a word in brackets: by what they are called, or by their check digits."""
    if not _DIGITS.search(text):
        return text
    text = _CALLED.sub(_called, text)
    for pattern in (_CODICE_FISCALE, _NINO, _RENTEN):
        text = pattern.sub(ID, text)
    return _DNI.sub(lambda match: ID if _is_dni(match) else match[0], text)


def mask_addresses(text: str) -> str:
    """The text with MAC addresses and public IP addresses replaced.

    Private and local ones stay, since they are everybody's and often what a question is about.
    """
    if not _ADDRESS.search(text):
        return text
    text = _MAC.sub(MAC, text)
    text = _V4.sub(lambda match: IP if _is_somebodys(match) else match[0], text)
    return _V6.sub(lambda match: IP if _is_public(match[0]) else match[0], text)


def _called(match: re.Match[str]) -> str:
    secret = match["secret"]
    if sum(char.isdigit() for char in secret) < 5:
        return match[0]
    return match[0][: match.start("secret") - match.start()] + ID


def _is_dni(match: re.Match[str]) -> bool:
    number = match["dni"] or f"{'XYZ'.index(match['nie'])}{match['rest']}"
    return _DNI_LETTERS[int(number) % 23] == match["check"]


def _is_somebodys(match: re.Match[str]) -> bool:
    if match[0] in _RESOLVERS or match[0].endswith(".0"):
        return False
    return ip_address(match[0]).is_global and not _VERSION.search(
        match.string, max(0, match.start() - 14), match.start()
    )


def _is_public(written: str) -> bool:
    try:
        return IPv6Address(written).is_global
    except AddressValueError:
        return False
