"""What the check of the catalogs finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from web.locales import catalogs
from web.locales.catalogs import mistakes, template, update

#: Writes the Polish catalog: `write('msgid "a"\\nmsgstr "b"')`.
WriteCatalog = Callable[[str], None]

_HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"

"""


@pytest.fixture
def write_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteCatalog:
    monkeypatch.setattr(catalogs, "LOCALES", tmp_path)
    monkeypatch.setattr(catalogs, "PROJECT", tmp_path)
    return lambda text: (tmp_path / "pl.po").write_text(_HEADER + text + "\n", encoding="utf-8") and None


def _wanted(*texts: str | tuple[str, str]) -> Catalog:
    wanted = Catalog()
    for text in texts:
        wanted.add(text, locations=[("web/templates/home.html", 3)])
    return wanted


def test_every_string_of_every_page_is_found() -> None:
    found = {message.id for message in template() if message.id}
    assert "How can we help?" in found  # a template
    assert ("%(num)s article", "%(num)s articles") in found  # a plural
    assert "There is no page here" in found  # a constant that is said later
    assert "Type a question, in your own words." in found  # the bot's
    assert "Sending…" in found  # a script's


def test_a_string_without_an_entry_is_missing_and_says_where_it_stands(write_catalog: WriteCatalog) -> None:
    write_catalog("")
    assert list(mistakes("pl", _wanted("Home"))) == [
        "pl.po: missing: 'Home' (of web/templates/home.html). Run `make words` and translate it."
    ]


def test_an_entry_that_no_page_says_is_stale(write_catalog: WriteCatalog) -> None:
    write_catalog('msgid "Gone"\nmsgstr "Nie ma"')
    assert list(mistakes("pl", _wanted())) == ["pl.po:6: stale: 'Gone' stands on no page any more. Run `make words`."]


@pytest.mark.parametrize(
    ("entry", "wanted", "said"),
    [
        ('msgid "Home"\nmsgstr ""', "Home", "nothing yet in the translation of 'Home'."),
        ('#, fuzzy\nmsgid "Home"\nmsgstr "Dom"', "Home", "marked fuzzy: 'Home'. Look at the translation and remove"),
        ('msgid "Hi %(name)s"\nmsgstr "Hej %(imię)s"', "Hi %(name)s", "other placeholders than name ('Hej %(imię)s')"),
        ('msgid "All"\nmsgstr "100 %"', "All", "other placeholders than none ('100 %')"),
        (
            'msgid "%(num)s day"\nmsgid_plural "%(num)s days"\nmsgstr[0] "%(num)s dzień"\nmsgstr[1] "%(num)s dni"',
            ("%(num)s day", "%(num)s days"),
            "nothing yet in the translation of '%(num)s day'.",
        ),
    ],
)  # fmt: skip
def test_an_entry_that_would_show_badly_is_told(
    entry: str, wanted: str | tuple[str, str], said: str, write_catalog: WriteCatalog
) -> None:
    write_catalog(entry)
    (found,) = mistakes("pl", _wanted(wanted))
    assert said in found


def test_one_form_of_a_plural_may_leave_the_number_out(write_catalog: WriteCatalog) -> None:
    entry = 'msgid "%(num)s day"\nmsgid_plural "%(num)s days"\nmsgstr[0] "jeden dzień"\n'
    write_catalog(entry + 'msgstr[1] "%(num)s dni"\nmsgstr[2] "%(num)s dni"')
    assert list(mistakes("pl", _wanted(("%(num)s day", "%(num)s days")))) == []


def test_an_update_adds_what_is_new_removes_what_is_gone_and_keeps_translations(
    write_catalog: WriteCatalog, tmp_path: Path
) -> None:
    write_catalog('msgid "Home"\nmsgstr "Strona główna"\n\nmsgid "Gone"\nmsgstr "Nie ma"')
    update("pl", _wanted("Home", "New"))
    written = (tmp_path / "pl.po").read_text(encoding="utf-8")
    assert 'msgid "Home"\nmsgstr "Strona główna"' in written
    assert 'msgid "New"\nmsgstr ""' in written
    assert "Gone" not in written
    update("pl", _wanted("Home", "New"))
    assert (tmp_path / "pl.po").read_text(encoding="utf-8") == written
