"""What an author sees of articles that are being written."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from kb.models import ArticleKey
from tests import built
from tests.web.preview.desk import Desk, desk, served, settings
from tests.web.site import SECRET
from web.cli import app as commands

_VPN, _RESET = "en/network/vpn.md", "en/accounts/reset-password.md"
_WEBHOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_READ = ("/", "/search?q=reset+my+password", "/topics/accounts", "/topics/network", "/en/articles/vpn", "/ticket")


@pytest.fixture
def preview(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def test_a_saved_article_is_read_at_once_and_answers_once_they_caught_up(preview: Desk) -> None:
    preview.change(_VPN, "select Connect.", "select Connect.\n\n## Blinking\n\nThe quokka blinks three times.")
    edition = preview.workshop.live.look()
    assert edition is not None
    assert "quokka" in preview.get("/en/articles/vpn").main
    assert "quokka" not in preview.get("/search?q=why+does+the+quokka+blink").main
    preview.workshop._behind = True
    preview.follow()
    assert "quokka" in preview.get("/search?q=the+quokka+blinks+three+times").main
    assert preview.get("/preview/bar?id=vpn&in=en&back=/").one("section").attrs["data-place"] == "blinking"


def test_what_is_saved_while_a_branch_is_embedded_is_shown_before_the_answers_of_the_branch(preview: Desk) -> None:
    seconds = itertools.count()
    live, overtaken = preview.workshop.live, []

    def clock() -> float:
        """Asked between two batches of texts: there something is saved, once."""
        if not overtaken and live.edition.entry(ArticleKey("network/new-0", "en")):
            preview.change(_VPN, "Open the VPN client", "Ask the quokka")
            overtaken.append(True)
        return float(next(seconds))

    live._clock = clock
    for number in range(70):
        preview.save(f"en/network/new-{number}.md", f"# New {number}\n\nBlink {number} times.\n")
    searcher = live.searcher
    preview.follow()
    assert preview.workshop.problem == ""
    assert overtaken
    assert (preview.workshop.overtaken, preview.workshop.busy, live.searcher is searcher) == (True, True, True)
    preview.follow()
    assert preview.workshop.problem == ""
    assert overtaken
    assert (preview.workshop.overtaken, preview.workshop.busy) == (False, False)
    assert "Ask the quokka" in preview.get("/en/articles/vpn").main
    assert preview.get("/search?q=blink+69").status == 200


def test_the_bar_names_the_section_that_changed_and_another_state(preview: Desk) -> None:
    before = preview.get("/en/articles/vpn").one("section", id="fl-preview").attrs
    preview.change(_VPN, "select Connect.", "select Connect.\n\n## Blinking\n\nThe quokka blinks.")
    preview.follow()
    after = preview.get(before["data-bar"]).one("section", id="fl-preview").attrs
    assert (before["data-place"], after["data-place"]) == ("", "blinking")
    assert after["data-state"] != before["data-state"]
    assert after["data-run"] != before["data-run"]
    other = preview.get("/en/articles/two-factor").one("section", id="fl-preview").attrs
    assert other["data-place"] == ""


@pytest.mark.parametrize("meanwhile", ["", "---\ntitle: [\n"])
def test_what_changed_is_shown_though_the_file_was_empty_while_it_was_written(preview: Desk, meanwhile: str) -> None:
    text = (preview.source / "en/network/vpn.md").read_text(encoding="utf-8")
    preview.save("en/network/vpn.md", meanwhile)
    preview.follow()
    preview.save("en/network/vpn.md", f"{text}\n\n## The end\n\nGoodbye.\n")
    preview.follow()
    bar = preview.get("/preview/bar?id=vpn&in=en&back=/").one("section").attrs
    assert bar["data-place"] == "the-end"


def test_a_reader_sees_no_internal_article_and_an_agent_and_a_group_see_theirs(preview: Desk) -> None:
    for address in _READ:
        assert SECRET not in preview.get(address).html.replace(f'value="{SECRET}"', "")
    assert preview.get("/en/articles/verify-caller").status == 404
    seen = {}
    for name in ("agent", "identity-team", "reader"):
        assert preview.post("/preview/eyes", **{"as": name, "back": "/search?q=x"}).response.headers["location"] == (
            "/search?q=x"
        )
        seen[name] = [preview.get(f"/en/articles/{article}").status for article in ("verify-caller", "team-only")]
        (pressed,) = [each for each in preview.get("/").all("button") if each.attrs.get("aria-pressed") == "true"]
        assert pressed.attrs["value"] == name
    assert seen == {"agent": [200, 404], "identity-team": [404, 200], "reader": [404, 404]}


def test_a_broken_file_is_told_above_its_last_good_version_and_in_the_list(preview: Desk) -> None:
    preview.change(_RESET, "title: Reset a forgotten password", "title: [Reset")
    preview.follow()
    page = preview.get("/en/articles/reset-password")
    (alert,) = page.all("div", role="alert")
    assert f"{_RESET}:4" in alert.text
    assert "Below is the last version" in alert.text
    assert page.title == "Reset a forgotten password"
    links = [link for link in preview.get("/preview").all("a") if link.text == f"{_RESET}:4"]
    assert [link.attrs["href"] for link in links] == ["/en/articles/reset-password"]
    preview.change(_RESET, "title: [Reset", "title: Reset it")
    preview.follow()
    assert preview.get("/en/articles/reset-password").title == "Reset it"
    assert preview.get("/preview").all("div", role="alert") == []


def test_questions_show_what_they_got_before_and_what_they_get_now(preview: Desk) -> None:
    assert preview.post("/preview/questions", question="where does the quokka live").status == 303
    assert "changed" not in preview.get("/preview").one("table").text
    preview.change(_VPN, "questions: [", "questions: [where does the quokka live, ")
    preview.follow()
    row = preview.get("/preview").one("tr", cls="pv-changed")
    assert "Connect to the VPN Answer found" in row.text
    bar = preview.get("/preview/bar?id=vpn&in=en&back=/").one("details")
    assert "1 of its questions is answered in another way" in bar.text
    preview.post("/preview/questions", forget="where does the quokka live")
    assert preview.get("/preview").all("table") == []


def test_drafts_and_changes_are_marked(preview: Desk) -> None:
    preview.change(_VPN, "id: vpn\n", "id: vpn\nstatus: draft\n")
    preview.save("en/network/wifi.md", "# Join the wifi\n\nSelect the network.\n")
    (preview.source / "en/accounts/two-factor.md").unlink()
    preview.follow()
    listed = [" ".join(each.text.split()) for each in preview.get("/preview").all("li")]
    assert "new Join the wifi en/network/wifi.md" in listed
    assert "gone Set up two-step sign-in en/accounts/two-factor.md" in listed
    assert f"Connect to the VPN Draft {_VPN}" in listed
    assert "Draft" in preview.get("/en/articles/vpn").one("section", id="fl-preview").text
    assert "Draft" in preview.get("/topics/network").main


def test_what_is_in_use_is_what_it_is_compared_with(tmp_path: Path) -> None:
    made = settings(tmp_path)
    report = built.index(made.articles, made.data)
    before = {path: path.read_bytes() for path in made.data.rglob("*") if path.is_file() and "cache" not in path.parts}
    (made.articles / _VPN).write_text("---\nid: vpn\n---\n# Connect\n\nThe quokka blinks.\n")
    with desk(tmp_path, {"topics.yml": "accounts:\n  en: Accounts\n"}) as preview:
        assert preview.workshop.base.searcher.snapshot.id == report.snapshot
        page = preview.get("/preview")
        assert "Compared with the articles in use, indexed 21 Nov 2026" in page.main
        assert page.one("h2", id="fl-changes").text == "1 article changed"
        preview.get("/search?q=quokka")
        preview.get("/ticket")
    assert {
        path: path.read_bytes() for path in made.data.rglob("*") if path.is_file() and "cache" not in path.parts
    } == (before)


def test_forms_send_nothing_and_say_so(preview: Desk) -> None:
    assert "the form sends nothing" in preview.get("/ticket").one("section", id="fl-preview").text
    sent = preview.post("/ticket", subject="Help", body="It burns.", email="kim@example.com")
    assert sent.title == "Nothing was sent"
    for address in ("/outcome", "/sign-in", "/setup/x"):
        assert preview.post(address, outcome="solved").title == "Nothing was sent"
    refused = preview.client.post("/api/v1/tickets", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    with preview.client.app.state.engine.connect() as connection:  # type: ignore[attr-defined]
        assert connection.exec_driver_sql("SELECT count(*) FROM tickets").scalar_one() == 0


def test_it_knows_no_secret_of_the_desk_and_no_address_to_send_to(tmp_path: Path) -> None:
    mail = {"smtp_url": "smtp://mail.example", "mail_from": "desk@mail.example", "webhook_secret": _WEBHOOK}
    with desk(tmp_path, handoff="smtp", handoff_to="in@mail.example", **mail) as preview:
        known = preview.client.app.state.settings  # type: ignore[attr-defined]
        assert [name for name, value in known if isinstance(value, SecretStr) and value.get_secret_value()] == []
        assert (known.handoff, known.widget_origins) == ("", ())
        outgoing = preview.client.app.state.outgoing  # type: ignore[attr-defined]
        assert (outgoing.sink, outgoing.mails) == ("", False)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8001", 200),
        ("localhost:8001", 200),
        ("[::1]:8001", 200),
        ("evil.example", 421),
        ("localhost.evil.example:8001", 421),
        ("[", 421),
        ("", 421),
    ],
)
def test_only_the_names_of_this_machine_are_answered(preview: Desk, host: str, status: int) -> None:
    reply = preview.client.get("/", headers={"host": host, "origin": "https://evil.example"})
    assert reply.status_code == status
    assert "access-control-allow-origin" not in reply.headers


def test_an_open_page_is_told_of_a_save_over_a_real_socket(tmp_path: Path) -> None:
    made = settings(tmp_path)
    with served(made) as base, urllib.request.urlopen(f"{base}/preview/events", timeout=20) as stream:  # noqa: S310
        assert stream.headers["content-type"].startswith("text/event-stream")
        temporary = made.articles / "en/network/.vpn.md.tmp"  # as editors write: another file, then renamed
        temporary.write_text("# Connect\n\nThe quokka blinks.\n")
        temporary.rename(made.articles / _VPN)
        while "quokka" not in _text(f"{base}/search?q=the+quokka+blinks"):
            assert json.loads(_next(stream)).keys() == {"run", "revision"}


def _next(stream: Iterator[bytes]) -> bytes:
    return next(line for line in stream if line.startswith(b"data: "))[6:]


def _text(address: str) -> str:
    with urllib.request.urlopen(address, timeout=20) as reply:  # noqa: S310
        text: str = reply.read().decode()
        return text


def test_the_command_says_what_it_cannot_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(commands, ["preview", str(tmp_path / "nowhere"), "--data", str(tmp_path / "data")])
    assert done.exit_code != 0
    assert "does not exist" in str(done.exception)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("address", "read"), [("/preview", "changes"), ("/en/articles/vpn", "shown")])
def test_a_page_that_something_came_to_while_it_was_made_is_an_old_one(
    preview: Desk, monkeypatch: pytest.MonkeyPatch, address: str, read: str
) -> None:
    found = getattr(preview.workshop, read)

    def came(*given: Any) -> Any:
        preview.workshop.revision += 1
        return found(*given)

    with monkeypatch.context() as patched:
        patched.setattr(preview.workshop, read, came)
        old = preview.get(address).one("section", id="fl-preview").attrs
    fresh = preview.get(old["data-bar"]).one("section").attrs
    assert (old["data-state"] != fresh["data-state"], old["data-run"] != fresh["data-run"]) == (True, True)
    again = preview.get(address).one("section", id="fl-preview").attrs
    assert (again["data-state"], again["data-run"]) == (fresh["data-state"], fresh["data-run"])
