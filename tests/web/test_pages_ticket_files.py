"""Files of the ticket form: the good ones are kept whatever happens, the others are told at the field."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.types import Message

from bot.attachments import Allowed
from tests.web.site import ARTICLES, Page, Site, open_site
from tests.web.test_pages_ticket import ODD, SURE
from web.pages.multipart import Reader

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site"), ARTICLES, attachment_max_mb=1, attachments_max=2) as opened:
        yield opened


def send(site: Site, page: Page, *files: tuple[str, bytes], **typed: str) -> Page:
    """Fills in the form with files and sends it; the buttons that remove files are not pressed."""
    return site.post("/ticket", page.form("/ticket").filled(**typed), files=files)


def names(page: Page) -> list[str]:
    return [row.text.split("\n")[0].split("  ")[0].strip() for row in page.all("span", cls="name")]


def test_files_travel_with_the_ticket_and_are_saved_from_its_link_alone(site: Site) -> None:
    sent = send(site, site.get("/ticket"), ("zrzut ekranu.png", PNG), ("log.txt", b"line"), **ODD)
    address = sent.response.headers["location"].partition("?")[0]
    ticket = site.ticket(address)
    assert [(file.name, file.size) for file in ticket.attachments] == [("zrzut ekranu.png", 108), ("log.txt", 4)]
    page = site.get(address)
    first, second = [link for link in page.links if "/files/" in link]
    picture = site.client.get(first)
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
    assert picture.headers["content-disposition"] == "attachment; filename*=UTF-8''zrzut%20ekranu.png"
    assert picture.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert site.client.get(second.replace(ticket.id, "another")).status_code == 404
    assert site.get(f"{address}/files/another").status == 404


def test_a_bad_file_is_named_with_what_is_allowed_while_words_and_good_files_stay(site: Site) -> None:
    page = send(
        site, site.get("/ticket"), ("run.exe", b"MZ"), ("screen.png", PNG), ("big.txt", bytes(1_000_001)), **ODD
    )
    assert page.status == 422
    error = page.one("p", id="fl-attachments-error").text
    assert "“run.exe” is of a kind we do not take. You can attach: png, jpg," in error
    assert "“big.txt” is larger than 1 MB." in error
    assert names(page) == ["screen.png"]
    assert dict(page.form("/ticket").fields)["body"] == ODD["body"]
    sent = site.post("/ticket", page.form("/ticket").filled())
    assert [file.name for file in site.ticket(sent.response.headers["location"]).attachments] == ["screen.png"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("empty.txt", b"")], "“empty.txt” is empty."),
        ([("page.png", b"<html>")], "“page.png” is no PNG file, whatever its name says."),
        ([(f"{n}.txt", b"x") for n in range(3)], "“2.txt” is one file too many: a ticket takes 2."),
        ([("video.txt", bytes(5_000_000))], "“video.txt” is larger than 1 MB."),
    ],
)
def test_what_is_wrong_with_a_file_is_told_at_the_field(site: Site, files: list[tuple[str, bytes]], words: str) -> None:
    page = send(site, site.get("/ticket"), *files, **ODD)
    assert page.status == 422
    assert words in page.one("p", id="fl-attachments-error").text


def test_files_that_are_too_large_take_no_room_from_a_good_one() -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="attachments"; filename="%s.txt"\r\n\r\n%s\r\n'
    body = b"".join(head % (b"large", bytes(1_500_000)) for _ in range(4)) + head % (b"good", b"x" * 900_000) + b"--x--"

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 64_000):
            yield body[start : start + 64_000]

    reader = Reader("multipart/form-data; boundary=x", Allowed(2, 1, ("txt",)), 1_000)
    asyncio.run(reader.read(pieces()))
    assert [upload.oversized for upload in reader.uploads] == [True] * 4 + [False]
    assert [len(upload.content) for upload in reader.uploads] == [0] * 4 + [900_000]


def test_an_upload_that_is_broken_off_is_no_error_of_ours(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    kind = (b"content-type", b"multipart/form-data; boundary=x")
    scope = {"type": "http", "method": "POST", "path": "/ticket", "headers": [kind], "query_string": b""}
    with caplog.at_level(logging.ERROR):
        asyncio.run(site.app({**scope, "scheme": "http", "server": ("help.example", 80)}, receive, send))
    assert (sent[0]["status"], caplog.records) == (400, [])


def test_files_survive_a_wrong_field_and_an_answer_that_is_shown_first_and_can_be_removed(site: Site) -> None:
    page = send(site, site.get("/ticket"), ("a.txt", b"a"), ("b.txt", b"b"), **{**SURE, "email": "ann"})
    assert names(page) == ["a.txt", "b.txt"]
    assert not page.all("input", type="file")
    remove = next(value for name, value in page.form("/ticket").buttons if name == "remove")
    page = site.post("/ticket", page.form("/ticket").filled(button=remove, email=SURE["email"]))
    assert (page.status, names(page)) == (200, ["b.txt"])
    answer = site.post("/ticket", page.form("/ticket").filled())
    assert answer.title == "Does this answer it?"
    assert "b.txt" in answer.one("details", cls="typed").text
    sent = site.post("/ticket", answer.form("/ticket").filled())
    assert [file.name for file in site.ticket(sent.response.headers["location"]).attachments] == ["b.txt"]


def test_the_same_form_sent_twice_brings_its_file_once_and_a_changed_one_brings_it_along(site: Site) -> None:
    form = site.get("/ticket")
    first, again = (send(site, form, ("a.txt", b"a"), **ODD) for _ in range(2))
    assert first.response.headers["location"] == again.response.headers["location"]
    assert len(site.ticket(first.response.headers["location"]).attachments) == 1
    changed = send(site, form, **{**ODD, "body": "Now too hard."})
    assert (changed.status, names(changed)) == (409, ["a.txt"])
    another = site.post("/ticket", changed.form("/ticket").filled())
    assert [file.name for file in site.ticket(another.response.headers["location"]).attachments] == ["a.txt"]


def test_a_body_larger_than_anything_the_form_sends_is_refused_while_it_arrives(site: Site) -> None:
    words = site.client.post("/ticket", data={"body": "x" * 2_100_000})
    parts = site.client.post("/ticket", data={"body": "x" * 2_100_000}, files={"attachments": ("a.txt", b"a")})
    many = [("attachments", (f"{n}.txt", b"a")) for n in range(50)]
    assert [words.status_code, parts.status_code] == [413, 413]
    assert site.client.post("/ticket", data=ODD, files=many).status_code == 413
    empty = b'--x\r\nContent-Disposition: form-data; name="attachments"; filename=""\r\n\r\n\r\n' * 300 + b"--x--"
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert site.client.post("/ticket", content=empty, headers=kind).status_code == 413
    broken = site.client.post("/ticket", content=b"--x", headers={"content-type": "multipart/form-data"})
    assert (broken.status_code, broken.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_without_files_in_the_settings_the_form_has_no_field_for_them(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES, attachments_max=0) as without:
        assert not without.get("/ticket").all("input", type="file")
