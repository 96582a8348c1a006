"""Which files come with a ticket, and under which names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.attachments import Allowed, room, safe_name, upload
from bot.errors import AttachmentRefused

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
ALLOWED = Allowed(files=2, megabytes=1, types=("png", "pdf", "txt", "webp"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("screen.png", PNG),
        ("SCREEN.PNG", PNG),
        ("scan.pdf", b"from the scanner\n%PDF-1.7"),
        ("notes.txt", "Zażółć 😀".encode()),
        ("picture.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
        ("exactly.txt", bytes(1_000_000)),
    ],
)
def test_a_file_of_an_allowed_kind_and_size_is_taken(name: str, content: bytes) -> None:
    ALLOWED.check(upload(name, content))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.exe", b"MZ", "“run.exe” is of a kind we do not take. You can attach: png, pdf, txt, webp."),
        ("README", b"x", "“README” is of a kind we do not take."),
        ("a.png.html", b"<script>", "“a.png.html” is of a kind we do not take."),
        ("empty.txt", b"", "“empty.txt” is empty. Check the file and attach it again."),
        (
            "big.txt",
            bytes(1_000_001),
            "“big.txt” is larger than 1 MB. Attach a smaller file,",
        ),
        ("page.png", b"<!doctype html>", "“page.png” is no PNG file, whatever its name says."),
        ("sound.webp", b"RIFF\x00\x00\x00\x00WAVEfmt ", "“sound.webp” is no WEBP file, whatever its name says."),
    ],
)
def test_a_refused_file_is_named_with_the_limit_and_what_is_allowed(name: str, content: bytes, words: str) -> None:
    with pytest.raises(AttachmentRefused) as caught:
        ALLOWED.check(upload(name, content))
    assert str(caught.value).startswith(words)


def test_a_bad_file_costs_no_good_one_its_place() -> None:
    files = [upload("a.exe", b"x"), upload("b.png", PNG), upload("c.png", PNG + b"c"), upload("d.png", PNG + b"d")]
    taken, refused = room(ALLOWED, files, waiting=0)
    assert [file.name for file in taken] == ["b.png", "c.png"]
    assert [str(error).partition(" is ")[0] for error in refused] == ["“a.exe”", "“d.png”"]
    assert str(refused[1]) == "“d.png” is one file too many: a ticket takes 2. Remove another one first."
    assert room(ALLOWED, files[1:2], waiting=2)[0] == []


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("C:\\Users\\Kim\\screen.png", "screen.png"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("report\u202efdp.txt", "reportfdp.txt"),
        ('a"b<c>|d?.txt', "a_b_c__d_.txt"),
        ("zażółć gęślą.pdf", "zażółć gęślą.pdf"),
        ("line\r\nbreak.txt", "linebreak.txt"),
        ("x" * 300 + ".png", "x" * 116 + ".png"),
        ("..", "file"),
        ("", "file"),
        (".png", "png"),
    ],
)
def test_names_are_safe_to_save_under(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


@given(st.text())
def test_any_name_becomes_one_a_file_system_takes_and_stays_as_it_is_then(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= 120
    assert not set(safe) & set('\\/:*?"<>|\r\n\0')
    assert not safe.startswith(".")
    assert safe_name(safe) == safe
