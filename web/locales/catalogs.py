"""Finds the strings of the interface in templates and code, and tells where a catalog is behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from web.words import INTERFACE, LOCALES, SOURCE

PROJECT = LOCALES.parent.parent
LANGUAGES = tuple(lang for lang in INTERFACE if lang != SOURCE)
#: gettext and its kin, and the two ways to mark a string that is said later (see web/words.py and bot/errors.py).
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "Message": None}
_OPTIONS = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)s)|(%)")
#: Catalogs must not change because somebody looked at them.
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)


def template() -> Catalog:
    """Every string of the interface, with the files it stands in."""
    found = Catalog(charset="utf-8", creation_date=_WRITTEN)
    for path, method in _sources():
        name = path.relative_to(PROJECT).as_posix()
        with path.open("rb") as file:
            for line, text, _comments, _context in extract(method, file, _KEYWORDS, options=_OPTIONS):
                found.add(text, locations=[(name, line)])
    return found


def _sources() -> Iterator[tuple[Path, Any]]:
    for package in ("bot", "web"):
        for path in sorted((PROJECT / package).rglob("*.py")):
            yield path, "python"
    for path in sorted((PROJECT / "web" / "templates").glob("*.html")):
        yield path, babel_extract


def path_of(lang: str) -> Path:
    return LOCALES / f"{lang}.po"


def read(lang: str) -> Catalog:
    """The catalog of a language; empty where there is none yet."""
    path = path_of(lang)
    if not path.is_file():
        return Catalog(locale=lang, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=lang)


def update(lang: str, wanted: Catalog) -> None:
    """Adds what is new, without words yet, and removes what no page says any more."""
    catalog = read(lang)
    catalog.update(wanted, no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.header_comment = ""
    catalog.creation_date = catalog.revision_date = _WRITTEN
    catalog.project, catalog.version = "Firstline", "1"
    catalog.fuzzy = False
    for message in catalog:
        message.locations = sorted({(name, 0) for name, _ in message.locations})
    with path_of(lang).open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False)


def mistakes(lang: str, wanted: Catalog) -> Iterator[str]:
    """What is missing, stale or would break a page in the catalog of a language, each with what to do."""
    catalog, place = read(lang), path_of(lang).relative_to(PROJECT)
    known = {message.id for message in catalog if message.id}
    for message in wanted:
        if message.id and message.id not in known:
            source = message.locations[0][0]
            yield f"{place}: missing: {_shown(message)} (of {source}). Run `make words` and translate it."
    current = {message.id for message in wanted if message.id}
    for message in catalog:
        if not message.id:
            continue
        where = f"{place}:{message.lineno}" if message.lineno else str(place)
        if message.id not in current:
            yield f"{where}: stale: {_shown(message)} stands on no page any more. Run `make words`."
        elif message.fuzzy:
            yield f"{where}: marked fuzzy: {_shown(message)}. Look at the translation and remove the mark."
        else:
            for wrong in _wrong(message, catalog):
                yield f"{where}: {wrong} in the translation of {_shown(message)}."


def _wrong(message: Message, catalog: Catalog) -> Iterator[str]:
    forms = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    said = [form for form in forms if form]
    if len(said) < len(forms):
        yield "nothing yet"
        return
    if message.pluralizable and len(forms) != catalog.num_plurals:
        yield f"{len(forms)} plural forms instead of {catalog.num_plurals}"
    sources = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    allowed = set().union(*map(_names, sources))
    for form in said:
        # One form of a plural may say the number in a word, or not at all.
        needed = allowed - {"num"} if message.pluralizable else allowed
        if not needed <= _names(form) <= allowed | {""} or "%" in _names(form):
            yield f"other placeholders than {', '.join(sorted(allowed)) or 'none'} ({form!r})"


def _names(text: str) -> set[str]:
    """The names of `%(name)s` in a text; "%" stands for a percent sign that would break it."""
    return {match[1] or match[2] for match in _PLACEHOLDER.finditer(text) if match[0] != "%%"}


def _shown(message: Message) -> str:
    text = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
    return repr(text if len(text) <= 70 else text[:69] + "…")
