"""Files that people send and files that we write: names, kinds, spreadsheets and mail."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.attachments import safe_name
from bot.handoff import File
from bot.handoff.mail import Mail, Mailer
from tests.security.vectors import vectors
from tests.web.site import ARTICLES, Site, open_site
from web.spreadsheet import as_csv

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = (
    "../../../etc/passwd.png", "..\\..\\boot.png", "/etc/cron.d/x.png", "C:\\x.png", "\\\\evil.example\\x.png",
    "a/../../b.png", "zip/../../x.png", "....//x.png", "..%2f..%2fx.png", "x\x00.png", ".htaccess.png",
    "x.png ", "x.png.", "CON.png", "‮gnp.png", "a\r\nContent-Type: text/html\r\n\r\n<script>.png", 'a";x="y.png',
    "a'b.png", "a;b.png", "=cmd.png", "-rf.png", "~.png", "x" * 500 + ".png", "ü本.png",
    "<img src=x onerror=alert(1)>.png",
)  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("files"), ARTICLES, rate_tickets="") as opened:
        yield opened


def test_a_name_is_plain_whatever_was_sent() -> None:
    for given in (*NAMES, *(vector.text + ".png" for vector in vectors())):
        name = safe_name(given)
        assert 0 < len(name) <= 120
        assert not re.search(r'[\\/:*?"<>|]', name), given
        assert not any(unicodedata.category(char)[0] == "C" for char in name), given
        assert not name.startswith("."), given


def test_what_was_sent_as_a_picture_is_saved_and_never_shown(site: Site) -> None:
    for at in range(0, len(NAMES), 5):
        form = site.get("/ticket").form("/ticket")
        given = form.filled(subject="Scanner", body="It blinks.", email="ann@example.com")
        sent = site.post("/ticket", given, files=[(name, PNG) for name in NAMES[at : at + 5]])
        assert sent.status == 303, sent.main
        page = site.get(sent.response.headers["location"])
        links = [link for link in page.links if "/files/" in link]
        assert 0 < len(links) <= 5  # the same file twice is one
        for link in links:
            reply = site.client.get(link)
            headers = reply.headers
            assert (reply.content, headers["content-type"]) == (PNG, "image/png")
            assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
            assert headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert re.fullmatch(r"attachment; filename\*=UTF-8''[\w.~%-]+", headers["content-disposition"])
        assert "<img src=x" not in page.html


def test_what_is_no_picture_is_none_whatever_its_name_and_type_say(site: Site) -> None:
    form = site.get("/ticket").form("/ticket")
    for name, content in (
        ("x.png", b"<html><script>alert(1)</script>"),
        ("x.svg", b"<svg onload=alert(1)>"),
        ("x.html", b"<script>alert(1)</script>"),
        ("x.png.html", PNG),
        ("x.exe", b"MZ"),
        ("x.png\x00.exe", PNG),
        ("x.pdf", b"<html>"),
        ("x", PNG),
    ):
        given = form.filled(subject="Scanner", body="It blinks.", email="ann@example.com")
        assert site.post("/ticket", given, files=[(name, content)]).status == 422, name


def test_no_cell_of_a_spreadsheet_is_a_formula() -> None:
    texts = [vector.text for vector in vectors()]
    rows = list(csv.reader(io.StringIO(as_csv(texts, [texts]).decode("utf-8-sig"), newline="")))
    assert [len(row) for row in rows] == [len(texts)] * 2
    assert [cell for row in rows for cell in row if re.match(r"\s*[=+\-@＝＋－＠\t\r\n]", cell)] == []


def test_nothing_that_was_typed_becomes_a_header_or_a_part_of_a_mail() -> None:
    mailer = Mailer("smtp://127.0.0.1:9", "help@example.com", lambda: NOW, "Help\r\nBcc: evil@evil.example")
    for vector in vectors():
        files = (File(safe_name(vector.text + ".png"), "image/png", PNG, ""),)
        mail = Mail("ann@example.com", vector.text, vector.text, "key-1", reply_to="a@example.com", files=files)
        message = mailer.compose(mail)
        names = {name.lower() for name, _ in message.items()}
        assert not names & {"bcc", "cc", "set-cookie", "location"}, vector.name
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "image/png"], vector.name
        head = message.as_bytes().partition(b"\r\n\r\n")[0]
        assert not re.search(rb"^(Bcc|Set-Cookie|Location)", head, re.MULTILINE | re.IGNORECASE), vector.name
