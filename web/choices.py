"""Entries of a list that people choose from, each with a name in one or several languages."""

from __future__ import annotations

from dataclasses import dataclass

from kb import languages

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry. `names` are (language, name), the first is what is stored; a language of "" speaks to everybody."""

    names: tuple[tuple[str, str], ...]

    @property
    def stored(self) -> str:
        return self.names[0][1]

    def said(self, lang: str) -> str:
        """The name in a language, else the first one."""
        return dict(self.names).get(lang, self.stored)

    def __str__(self) -> str:
        return self.stored


def parse(entry: object) -> Choice:
    """The choice of a setting: a name, or a table of languages and names. Raises ValueError for the operator."""
    if isinstance(entry, Choice):
        return entry
    if isinstance(entry, str):
        return Choice((("", _name(entry)),))
    if not isinstance(entry, dict) or not entry:
        raise ValueError(f'{entry!r} is no name; write "Hardware" or {{ en = "Hardware", pl = "Sprzęt" }}')
    names = []
    for lang, name in entry.items():
        if (known := languages.normalise(str(lang))) is None:
            raise ValueError(f"{lang!r} is no language; use a two-letter code of ISO 639-1 such as en or pl")
        names.append((known, _name(name)))
    return Choice(tuple(names))


def _name(given: object) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > _LONGEST:
        raise ValueError(f"{given!r} is no name; write 1 to {_LONGEST} characters")
    return given.strip()


def parse_list(entries: object) -> tuple[Choice, ...]:
    """Several, no name twice. Raises ValueError."""
    if not isinstance(entries, list | tuple):
        raise ValueError(f'{entries!r} is no list; write ["Hardware", "Software"]')
    choices = tuple(parse(entry) for entry in entries)
    stored = [choice.stored for choice in choices]
    if twice := next((name for name in stored if stored.count(name) > 1), None):
        raise ValueError(f"{twice!r} stands there twice; every entry needs a name of its own")
    return choices
