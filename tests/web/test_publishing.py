"""Publishing over the web: the webhook, the API, the authors' page, and the process of its own that does the work."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from bot.database import open_engine
from bot.errors import NothingToTakeBack
from bot.outbox import MAIL, SqlOutbox
from bot.publishing.publication import Finding, Publication
from bot.publishing.publisher import LOG_FILE
from kb.embedding import HashEmbedder
from tests.bot.publishing.desk import BROKEN, PRINTER, VPN, Forge
from tests.bot.samples import NOON
from tests.conftest import PROJECT
from tests.web.site import AUTHOR, Site, open_site
from web.cli import app
from web.publishing import Process, Publishing, open_publisher
from web.settings import load_settings

#: What it is broken by names an article that is not for everybody.
HIDDEN = BROKEN.replace("id: printer: jam", "audience: ops\nid: zanzibar: x")
SECRET = "a-secret-of-the-desk"
BEARER = {"Authorization": f"Bearer {AUTHOR}"}
PAGE = "/authors/publishing"


@dataclass
class Here:
    """A worker that is started and does nothing until it is told to."""

    started: int = 0

    def start(self) -> None:
        self.started += 1

    def busy(self) -> bool:
        return False


@dataclass
class Desk:
    """A site that publishes from a forge."""

    site: Site
    forge: Forge
    worker: Here = field(default_factory=Here)

    def __post_init__(self) -> None:
        self.publishing = Publishing(self.site.app.state.publishing.publisher, self.worker)
        self.site.app.state.publishing = self.publishing

    def work(self) -> None:
        self.publishing.publisher.work()
        self.site.app.state.desk.library.refresh()

    def delivered(self, sent: dict[str, Any], **headers: str) -> httpx2.Response:
        body = json.dumps(sent).encode()
        signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
        given = {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={signature}", **headers}
        return self.site.client.post("/api/v1/webhooks/push", content=body, headers=given)

    @property
    def live(self) -> str:
        return str(self.site.app.state.desk.library.searcher.snapshot.id)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    forge = Forge(tmp_path / "forge")
    settings = {
        "articles_remote": str(forge.remote),
        "articles_path": "docs",
        "articles_branch": "main",
        "push_secret": SECRET,
        "model": HashEmbedder.NAME,
        "smtp_url": "smtp://127.0.0.1:9",
        "mail_from": "desk@example.com",
        "publish_mail": "authors@example.com",
        "base_url": "https://help.example.com",
    }
    with open_site(tmp_path / "site", {"en/old.md": "# Old\n\nText.\n"}, **settings) as site:
        yield Desk(site, forge)


def test_a_push_is_published_and_what_is_none_is_answered_politely(desk: Desk) -> None:
    desk.forge.push({"vpn.md": VPN})
    before = desk.live
    for sent, headers, words in (
        ({"zen": "Hi"}, {"X-GitHub-Event": "ping"}, "Hello. Nothing to do: this is no push to a branch."),
        ({"ref": "refs/heads/draft"}, {}, "Nothing to do: main is published, not draft."),
        ({"ref": "refs/heads/main", "deleted": True}, {}, "Nothing to do: main was deleted. What is in use stays."),
    ):
        reply = desk.delivered(sent, **headers)
        assert (reply.status_code, reply.json()) == (202, {"publication": None, "detail": words})
    assert desk.worker.started == 0

    replies = [desk.delivered({"ref": "refs/heads/main"}) for _ in range(2)]  # one of them sent again
    assert [(reply.status_code, reply.json()["publication"]) for reply in replies] == [(202, 1), (202, 1)]
    desk.work()
    row = desk.site.client.get("/api/v1/publications/1", headers=BEARER).json()
    assert (row["state"], row["how"], row["snapshot"], row["before"]) == ("published", "webhook", desk.live, before)
    assert desk.site.get("/en/articles/vpn").status == 200


def test_a_delivery_may_be_as_large_as_github_sends_it_and_no_larger(desk: Desk) -> None:
    sent = {"ref": "refs/heads/draft", "commits": "x" * 3_000_000}
    assert desk.delivered(sent).status_code == 202
    assert desk.delivered(sent, **{"X-Hub-Signature-256": "sha256=00"}).json()["code"] == "signature_invalid"
    sent["commits"] *= 9
    assert desk.delivered(sent).status_code == 413
    assert desk.site.client.post("/api/v1/questions", content=b"x" * 3_000_000).status_code == 413


@pytest.mark.parametrize("signature", ["", "sha256=00"])
def test_a_wrong_signature_is_told_before_anything_is_read(desk: Desk, signature: str) -> None:
    body = b"no json"
    reply = desk.site.client.post("/api/v1/webhooks/push", content=body, headers={"X-Hub-Signature-256": signature})
    assert (reply.status_code, reply.json()["code"]) == (401, "signature_invalid")
    digest = hmac.digest(SECRET.encode(), body, "sha256").hex()
    reply = desk.site.client.post("/api/v1/webhooks/push", content=body, headers={"X-Gitea-Signature": digest})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_a_refused_change_is_told_on_every_page_of_the_authors_until_a_good_one_mends_it(desk: Desk) -> None:
    site = desk.site
    desk.forge.push({"vpn.md": VPN, "printer.md": BROKEN}, "Printers")
    site.sign_in("author")
    assert site.get(PAGE).form(PAGE).filled() == {}
    asked = site.post(PAGE, {"again": ""})
    assert (asked.status, asked.response.headers["location"], desk.worker.started) == (303, PAGE, 1)
    waits = site.get(PAGE)
    assert "Articles are being published. It begins in a moment." in waits.main
    assert not [form for form in waits.forms if form.action == PAGE and form.method == "post"]

    desk.work()

    shown = site.get(PAGE)
    assert "The last change is not published" in shown.main
    assert "Something in the articles has to be mended first." in shown.main
    assert "printer.md:2" in [code.text for code in shown.all("code")]
    assert "is not published: something has to be mended first" in site.get("/authors/learned").main
    one = site.get(f"{PAGE}/1")
    assert (one.title, "printer.md:2" in one.main, "Author" in one.main) == ("Publication 1", True, True)

    desk.forge.push({"printer.md": PRINTER})
    site.post(PAGE, {"again": ""})
    desk.work()
    shown = site.get(PAGE)
    assert "The last change is not published" not in shown.main
    assert "has to be mended first" not in site.get("/authors/learned").main
    refused = site.get(f"{PAGE}?state=refused")
    assert [row.attrs["id"] for row in refused.all("tr") if "id" in row.attrs] == ["publication-1"]
    log = site.accounts.log.find(action="publication_asked")
    assert [row.subject for row in log.rows] == ["publication 2", "publication 1"]


def test_a_button_goes_back_and_another_undoes_it(desk: Desk) -> None:
    site = desk.site
    old = desk.live
    desk.forge.push({"vpn.md": VPN}, "<b>Bold</b>")
    site.sign_in("author")
    site.post(PAGE, {"again": ""})
    desk.work()
    new = desk.live
    assert new != old
    assert "&lt;b&gt;Bold&lt;/b&gt;" in site.get(PAGE).html

    form = site.get(PAGE).form(f"{PAGE}/rollback")
    assert form.filled() == {"snapshot": [old]}
    back = site.post(f"{PAGE}/rollback", form.filled())
    shown = site.get(back.response.headers["location"])
    assert (back.status, desk.live) == (303, old)
    assert "Readers see these articles now." in shown.main
    desk.delivered({"ref": "refs/heads/main"})
    desk.work()
    assert desk.live == old  # a delivery of what was taken back

    site.post(f"{PAGE}/rollback", shown.form(f"{PAGE}/rollback").filled())
    assert desk.live == new
    wrong = site.post(f"{PAGE}/rollback", {"snapshot": "none"})
    assert (wrong.status, "There is no published snapshot none any more." in wrong.main) == (409, True)
    assert site.accounts.log.find(action="publication_taken_back").total == 2
    site.sign_in("agent")
    assert site.get(PAGE).status == site.post(f"{PAGE}/rollback", {"snapshot": ""}).status == 403


def test_the_api_does_what_the_page_does(desk: Desk) -> None:
    client = desk.site.client
    old = desk.live
    desk.forge.push({"vpn.md": VPN})
    asked = client.post("/api/v1/publications", json={}, headers=BEARER)
    assert (asked.status_code, asked.json()["state"], asked.json()["id"]) == (202, "waiting", 1)
    desk.work()
    back = client.post("/api/v1/publications/rollback", json={}, headers=BEARER)
    assert (back.status_code, back.json()["snapshot"], desk.live) == (200, old, old)
    client.post("/api/v1/publications", json={"again": True}, headers=BEARER)
    desk.work()
    listed = client.get("/api/v1/publications?state=published", headers=BEARER).json()
    assert [row["how"] for row in listed["publications"]] == ["page", "rollback", "page"]
    assert client.get("/api/v1/publications/99", headers=BEARER).json()["code"] == "publication_unknown"


def test_findings_on_articles_of_other_teams_are_only_counted(desk: Desk) -> None:
    found = (
        Finding("ops/secret.md", 1, "r", "error", "zanzibar", "", ("ops",)),
        Finding("a.md", 2, "r", "error", "About a.", "", ("public",)),
    )
    store = desk.publishing.publisher.store
    store.keep(Publication(0, "pull", NOON, state="refused", ended=NOON, findings=found, found=2))
    desk.site.sign_in("author")
    page = desk.site.get(PAGE)
    assert ("zanzibar" in page.html, "ops/secret" in page.html, "About a." in page.main) == (False, False, True)
    assert "1 more is about an article that you may not read." in page.main
    reply = desk.site.client.get("/api/v1/publications/1", headers=BEARER)
    assert [finding["path"] for finding in reply.json()["findings"]] == ["a.md"]
    desk.site.sign_in("author", groups=("ops",))
    assert "zanzibar" in desk.site.get(PAGE).html


def test_authors_get_an_email_that_something_is_to_be_mended_and_another_once_it_is(desk: Desk) -> None:
    for files in ({"vpn.md": VPN, "printer.md": BROKEN, "ops.md": HIDDEN}, {"printer.md": PRINTER, "ops.md": None}):
        desk.forge.push(files, "Printers")
        desk.publishing.ask("webhook", "")
        desk.work()
    rows = SqlOutbox(open_engine(desk.site.app.state.settings.database)).find(sink=MAIL).rows
    again, refused = (row.letter.payload for row in rows)
    assert {again["to"], refused["to"]} == {"authors@example.com"}
    assert (refused["subject"], again["subject"]) == (
        "The last change to the articles is not published",
        "The articles are published again",
    )
    assert "Printers\n\nSomething in the articles has to be mended first.\n\nprinter.md:2: error: " in refused["text"]
    assert "zanzibar" not in refused["text"]
    assert "1 more thing to mend is on the page." in refused["text"]
    assert "https://help.example.com/authors/publishing/1\n" in refused["text"]


def test_a_finding_leads_to_its_line_on_the_forge_and_to_the_article_that_readers_see(tmp_path: Path) -> None:
    remote = {"articles_remote": "https://bot:s3cret@github.com/desk/kb.git", "articles_path": "docs"}
    with open_site(tmp_path, {"en/old.md": "# Old\n\nText.\n"}, **remote) as site:
        found = tuple(Finding(path, 3, "r", "error", "About it.") for path in ("en/old.md", "en/new.md"))
        row = Publication(0, "pull", NOON, state="refused", ended=NOON, branch="main", findings=found, found=2)
        site.app.state.publishing.publisher.store.keep(row)
        site.sign_in("author")
        page = site.get(f"{PAGE}/1")
        links = [link.attrs["href"] for link in page.all("a") if "github" in link.attrs["href"]]
        assert links == [
            f"https://github.com/desk/kb/blob/main/docs/en/{name}.md?plain=1#L3" for name in ("old", "new")
        ]
        assert [link.attrs["href"] for link in page.all("a") if link.text.startswith("What readers see")] == [
            "/en/articles/old"
        ]
        assert "s3cret" not in page.html


def test_what_nobody_is_at_is_begun_by_the_next_look(desk: Desk) -> None:
    desk.publishing.refresh()
    assert desk.worker.started == 0
    desk.publishing.publisher.store.ask("webhook", "", NOON)  # by a server that died right after
    desk.publishing.refresh()
    assert desk.worker.started == 1


def test_where_no_repository_is_named_the_page_says_what_to_set_and_which_files_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTLINE_ARTICLES", str(tmp_path / "articles"))
    hidden = BROKEN.replace("id:", "audience: ops\nid:")
    twin = "---\nid: old\naudience: ops\n---\n# Zanzibar\n\nText.\n"
    files = {
        "en/old.md": "# Old\n\nText.\n",
        "en/broken.md": BROKEN,
        "en/zanzibar.md": hidden,
        "en/a/zanzibar.md": twin,
    }
    with open_site(tmp_path, files) as site:
        site.sign_in("author", groups=("ops",))
        assert "en/zanzibar.md:3" in [code.text for code in site.get(PAGE).all("code")]
        site.sign_in("author")
        assert "zanzibar" not in site.get(PAGE).html
        assert "2 more are about articles that you may not read." in site.get(PAGE).main
        page = site.get(PAGE)
        assert "Nothing can be published from here yet." in page.main
        assert "Set articles_remote to the address of the repository" in page.main
        assert "Files that became no article" in page.main
        assert "en/broken.md:2" in [code.text for code in page.all("code")]
        closed = site.client.post("/api/v1/webhooks/push", content=b"{}")
        assert (closed.status_code, closed.json()["code"]) == (403, "closed")


def test_commands_publish_go_back_and_say_with_their_exit_code_what_came_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge, data = Forge(tmp_path / "forge"), tmp_path / "data"
    forge.push({"vpn.md": BROKEN})
    for name, value in (("MODEL", HashEmbedder.NAME), ("ARTICLES_REMOTE", str(forge.remote)), ("DATA", str(data))):
        monkeypatch.setenv(f"FIRSTLINE_{name}", value)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    run = CliRunner().invoke
    refused = run(app, ["pull"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Fetching\nChecking\ndocs/vpn.md:2: error: ")
    reason = "firstline: not published: Something in the articles has to be mended first. Nothing is in use yet.\n"
    assert refused.stderr.endswith(reason)
    assert "\n       docs/vpn.md:2: error: " in run(app, ["publications"]).stdout

    forge.push({"vpn.md": VPN})
    settings = load_settings()
    engine = open_engine(settings.database)
    asked = open_publisher(settings, engine).store.ask("webhook", "", NOON)
    worker = Process(settings)  # a real one, as a server starts it
    worker.start()
    process = worker._running
    worker.start()  # a flood of pushes starts no second one
    assert process is not None
    assert worker._running is process
    assert process.wait(timeout=120) == 0
    assert not worker.busy()
    assert open_publisher(settings, engine).store.get(asked.id).state == "published"
    assert (data / LOG_FILE).read_bytes() == b""
    engine.dispose()

    again = run(app, ["pull", "--json"])
    assert (again.exit_code, json.loads(again.stdout)["reason"][:20]) == (0, "Nothing new: commit ")
    assert isinstance(run(app, ["rollback"]).exception, NothingToTakeBack)
    forge.push({"printer.md": PRINTER})
    assert run(app, ["pull"]).stdout.startswith("Published commit ")
    assert "Undo it with: firstline rollback " in run(app, ["rollback"]).stdout
    run(app, ["index", str(forge.checkout / "docs")])
    listed = [line.split()[4:6] for line in run(app, ["publications"]).stdout.splitlines()]
    assert listed == [
        ["published", "index"],
        ["published", "rollback"],
        ["published", "pull"],
        ["unchanged", "pull"],
        ["published", "webhook"],
        ["refused", "pull"],
    ]
