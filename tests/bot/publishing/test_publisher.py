"""What is published and what is not: real repositories, a real database, snapshots with the fake encoder."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa

from bot.errors import NothingToTakeBack, PublicationRunning, StoreUnavailable
from bot.publishing import gates
from bot.publishing import publisher as module
from bot.publishing.clone import FOLDER
from bot.publishing.lock import locked
from bot.publishing.publication import Finding
from bot.publishing.remote import Remote
from bot.readership import SqlReadStore
from kb import repository
from kb.check import CheckSettings
from kb.place import FolderPlace, taken_back
from tests.bot.publishing.desk import BROKEN, PRINTER, VPN, Desk, Forge, git
from tests.bot.samples import NOON
from tests.conftest import PROJECT


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def desk(tmp_path: Path, engine: sa.Engine, forge: Forge) -> Desk:
    return Desk(tmp_path / "data", engine, Remote.of(str(forge.remote), folder="docs"))


def told(desk: Desk, **given: bool) -> tuple[str, str]:
    """State and reason of a pull."""
    done = desk.pull(**given)
    return done.state, str(done.reason or "")


# --- what is published -----------------------------------------------------------------------------------------------


def test_a_push_is_fetched_built_and_switched_to_with_the_dates_of_its_history(forge: Forge, desk: Desk) -> None:
    commit = forge.push({"vpn.md": VPN}, "Say how to connect")

    done = desk.pull()

    assert (done.state, done.branch, done.commit, done.subject) == ("published", "main", commit, "Say how to connect")
    assert (done.snapshot, done.before, done.found) == (desk.live.id, "", 0)
    assert {name: done.counts[name] for name in ("articles", "skipped", "embedded")} == {
        "articles": 1,
        "skipped": 0,
        "embedded": 3,
    }
    assert desk.live.entries[0].article.changed == git(forge.checkout, "log", "-1", "--format=%cs").strip()


def test_nothing_new_is_told_without_a_checkout_and_a_commit_beside_the_articles_changes_nothing(
    forge: Forge, desk: Desk
) -> None:
    commit = forge.push({"vpn.md": VPN})
    live = desk.pull().snapshot
    shutil.rmtree(desk.data / FOLDER)

    assert told(desk) == ("unchanged", f"Nothing new: commit {commit[:10]} is in use.")
    assert not (desk.data / FOLDER).exists()

    (forge.checkout / "ci.yml").write_text("on: push")
    beside = forge.push({})
    assert told(desk) == ("unchanged", f"Commit {beside[:10]} changes nothing for readers.")
    assert told(desk) == ("unchanged", f"Nothing new: commit {beside[:10]} is in use.")
    assert desk.live.id == live


def test_other_settings_are_taken_up_without_a_new_commit(forge: Forge, desk: Desk, engine: sa.Engine) -> None:
    forge.push({"vpn.md": VPN})
    desk.pull()
    settings = replace(desk.publisher.plan.build, default_lang="pl")
    other = Desk(desk.data, engine, desk.remote, {"build": settings})
    assert other.pull().state == "published"
    assert other.live.languages == ("pl",)


def test_a_rewritten_history_is_taken_as_it_is_now(forge: Forge, desk: Desk) -> None:
    forge.push({"vpn.md": VPN})
    forge.push({"printer.md": PRINTER})
    desk.pull()
    git(forge.checkout, "reset", "-q", "--hard", "HEAD~1")
    forge.push({"wifi.md": "# Wi-Fi\n\nChoose the network.\n"}, force=True)
    assert desk.pull().state == "published"
    assert desk.articles == ["vpn", "wifi"]


def test_a_checkout_is_published_from_what_it_follows_and_stays_as_it_is(
    forge: Forge, tmp_path: Path, engine: sa.Engine
) -> None:
    forge.push({"vpn.md": VPN})
    git(tmp_path, "clone", "-q", str(forge.remote), "own")
    forge.push({"printer.md": PRINTER})
    draft = tmp_path / "own" / "docs" / "draft.md"
    draft.write_text("# Half written\n\nText.\n")
    desk = Desk(tmp_path / "data", engine, Remote.behind(tmp_path / "own" / "docs"))

    assert desk.pull().state == "published"
    assert desk.articles == ["printer", "vpn"]
    assert (draft.exists(), (draft.parent / "printer.md").exists()) == (True, False)


def test_two_pulls_at_once_come_after_each_other_and_the_newest_commit_is_in_use(forge: Forge, desk: Desk) -> None:
    forge.push({"vpn.md": VPN})
    store = desk.publisher.store
    first = store.ask("webhook", "", NOON)
    begun = threading.Event()
    run = desk.publisher._run

    def run_and_wait(asked: module.Publication) -> None:
        if not begun.is_set():  # while the first one runs, somebody pushes twice
            begun.set()
            forge.push({"printer.md": PRINTER})
            second = store.ask("webhook", "", NOON)
            forge.push({"wifi.md": "# Wi-Fi\n\nChoose the network.\n"})
            assert store.ask("webhook", "", NOON).id == second.id != first.id
            other = threading.Thread(target=Desk(desk.data, desk.engine, desk.remote).publisher.work)
            other.start()
            other.join()  # it leaves the work to the one that is at it
        run(asked)

    desk.publisher._run = run_and_wait  # type: ignore[method-assign]
    desk.publisher.work()

    assert desk.articles == ["printer", "vpn", "wifi"]
    states = [(row.id, row.state) for row in store.find().rows]
    assert states == [(2, "unchanged"), (1, "published")]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        (BROKEN, 2, "front"),
        ("# Printer\n\n<<<<<<< HEAD\nOne.\n=======\nTwo.\n>>>>>>> other\n", 3, "conflict"),
    ],
    ids=["broken front matter", "merge conflict"],
)
def test_what_the_check_finds_keeps_the_old_snapshot_and_the_next_good_push_mends_it(
    forge: Forge, desk: Desk, text: str, line: int, rule: str
) -> None:
    forge.push({"vpn.md": VPN})
    live = desk.pull().snapshot
    commit = forge.push({"printer.md": text})

    done = desk.pull()

    assert (done.state, done.commit, done.before) == ("refused", commit, live)
    assert str(done.reason) == "Something in the articles has to be mended first."
    (finding,) = [finding for finding in done.findings if finding.severity == "error"]
    assert (finding.path, finding.line, rule in finding.rule) == ("printer.md", line, True)
    assert finding.fix
    assert desk.live.id == live

    forge.push({"printer.md": PRINTER})
    assert desk.pull().state == "published"
    assert desk.articles == ["printer", "vpn"]


def test_a_desk_that_requires_nothing_publishes_and_still_tells_what_was_found(
    forge: Forge, tmp_path: Path, engine: sa.Engine
) -> None:
    forge.push({"vpn.md": VPN, "printer.md": BROKEN})
    desk = Desk(tmp_path / "data", engine, Remote.of(str(forge.remote), folder="docs"), {"requires": frozenset()})
    done = desk.pull()
    assert (done.state, desk.articles) == ("published", ["vpn"])
    assert [finding.path for finding in done.findings if finding.severity == "error"] == ["printer.md"]


@pytest.mark.parametrize("target", ["../../secret.md", "../.git/config"])
def test_a_link_that_leads_out_is_refused_whatever_the_settings_require(
    forge: Forge, tmp_path: Path, engine: sa.Engine, target: str
) -> None:
    (forge.checkout / "docs").mkdir()
    (forge.checkout / "docs" / "steal.md").symlink_to(target)
    forge.push({"vpn.md": VPN})
    desk = Desk(tmp_path / "data", engine, Remote.of(str(forge.remote), folder="docs"), {"requires": frozenset()})
    (desk.data).mkdir()
    (desk.data / "secret.md").write_text("# The master key\n")

    done = desk.pull()

    assert (done.state, [(one.path, one.rule) for one in done.findings]) == ("refused", [("steal.md", "link-out")])
    assert not (desk.data / "current").exists()


def test_a_link_to_itself_is_refused_and_so_is_one_that_leads_out_below_a_folder_that_is_a_link(
    forge: Forge, desk: Desk
) -> None:
    forge.push({"vpn.md": VPN})
    (forge.checkout / "docs" / "round").symlink_to("round")
    forge.push({})
    assert [(one.path, one.rule) for one in desk.pull().findings] == [("round", "link-out")]

    (forge.checkout / "docs" / "round").unlink()
    forge.push({})
    git(forge.checkout, "mv", "docs", "real")
    (forge.checkout / "docs").symlink_to("real")
    (forge.checkout / "real" / "steal.md").symlink_to("../../secret.md")
    git(forge.checkout, "add", "-A")
    git(forge.checkout, "commit", "-qm", "The folder is a link")
    git(forge.checkout, "push", "-q", "origin", "HEAD:main")
    assert [(one.path, one.rule) for one in desk.pull().findings] == [("real/steal.md", "link-out")]


def test_what_git_lfs_keeps_elsewhere_is_told_and_never_shown_as_an_article(forge: Forge, desk: Desk) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    (forge.checkout / ".gitattributes").write_text("*.png filter=lfs\n")
    forge.push({"vpn.md": f"{VPN}\n![The tray](a.png)\n", "a.png": pointer, "b.png": pointer})
    done = desk.pull()
    assert done.state == "published"
    (away,) = (one for one in done.findings if one.rule == "lfs-pointer")
    assert (away.path, away.severity, "So is 1 other file." in away.message) == ("a.png", "warning", True)
    forge.push({"printer.md": pointer})
    done = desk.pull()
    assert (done.state, [(one.path, one.severity) for one in done.findings]) == (
        "refused",
        [("printer.md", "error"), ("a.png", "warning")],
    )


def test_nothing_that_the_servers_git_is_set_to_changes_what_is_published(
    forge: Forge, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"core.autocrlf": "true", "i18n.logOutputEncoding": "latin1", "filter.lfs.smudge": "false"}
    for number, (name, value) in enumerate({**settings, "filter.lfs.required": "true"}.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "4")
    for name, value in {"GIT_NAMESPACE": "other", "GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_TRACE": "1"}.items():
        monkeypatch.setenv(name, value)
    (forge.checkout / ".gitattributes").write_text("*.png filter=lfs\n")
    forge.push({"vpn.md": VPN, "a.png": "no picture"}, "Drukarka: „zacięcie”")
    done = desk.pull()
    assert (done.state, done.subject) == ("published", "Drukarka: „zacięcie”")
    assert b"\r" not in (desk.data / FOLDER / "docs" / "vpn.md").read_bytes()


def test_nothing_of_a_submodule_is_read(forge: Forge, desk: Desk, tmp_path: Path) -> None:
    inner = Forge(tmp_path / "inner")
    inner.push({"secret.md": "# Secret\n\nText.\n"})
    git(forge.checkout, "submodule", "add", "-q", str(inner.remote), "docs/inner")
    forge.push({"vpn.md": VPN})
    desk.pull()
    assert desk.articles == ["vpn"]


def test_a_deleted_article_that_is_read_is_a_warning_unless_another_one_takes_its_address(
    forge: Forge, desk: Desk, engine: sa.Engine
) -> None:
    forge.push({"vpn.md": VPN, "printer.md": PRINTER, "unread.md": "# Unread\n\nText.\n"})
    desk.pull()
    SqlReadStore(engine).add({("printer", NOON.date()): 7})
    forge.push({"printer.md": None, "unread.md": None})

    done = desk.pull()

    assert (done.state, desk.articles) == ("published", ["vpn"])
    (finding,) = done.findings
    assert (finding.path, finding.rule, finding.severity) == ("printer.md", "deleted-article", "warning")
    assert finding.message == "The article “printer” is gone, and was read 7 times in the last 30 days."

    forge.push({"printer.md": PRINTER})
    desk.pull()
    forge.push({"printer.md": None, "vpn.md": VPN.replace("id: vpn", "id: vpn\nredirect_from: [printer]")})
    assert desk.pull().findings == ()


# --- what fails ------------------------------------------------------------------------------------------------------


def test_a_missing_branch_and_an_empty_remote_are_told_with_what_is_there(
    forge: Forge, tmp_path: Path, engine: sa.Engine
) -> None:
    empty = Desk(tmp_path / "data", engine, Remote.of(str(forge.remote)))
    assert told(empty) == ("failed", f"{forge.remote} is empty: nothing was pushed to it yet.")
    forge.push({"vpn.md": VPN})
    missing = Desk(tmp_path / "data", engine, Remote.of(str(forge.remote), "live"))
    words = f"{forge.remote} has no branch live. It has: main. Push the branch, or set articles_branch."
    assert told(missing) == ("failed", words)
    folder = Desk(tmp_path / "data", engine, Remote.of(str(forge.remote), "main", "gone"))
    words = "The commit has no folder gone. Set articles_path to the folder of the articles."
    assert told(folder) == ("failed", words)
    assert missing.publisher.store.find().total == 3


def test_what_is_no_repository_and_what_nobody_answers_is_told(tmp_path: Path, engine: sa.Engine) -> None:
    (tmp_path / "plain").mkdir()
    state, reason = told(Desk(tmp_path / "data", engine, Remote.of(str(tmp_path / "plain"))))
    assert state == "failed"
    assert f"'{tmp_path / 'plain'}' does not appear to be a git repository" in reason
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        port = probe.getsockname()[1]
        desk = Desk(tmp_path / "data", engine, Remote.of(f"http://ann:hunter2@127.0.0.1:{port}/a.git"))
        state, reason = told(desk)
    assert state == "failed"
    assert f"unable to access 'http://127.0.0.1:{port}/a.git/'" in reason
    with engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM publications").all())
    assert "hunter2" not in kept


class Closed(BaseHTTPRequestHandler):
    """A forge that lets nobody in; `given` are the Authorization headers that came."""

    given: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.given.append(self.headers.get("Authorization", ""))
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="forge"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_remote_that_wants_a_password_waits_for_nobody_and_a_wrong_one_stands_nowhere(
    tmp_path: Path, engine: sa.Engine
) -> None:
    Closed.given.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}/a.git"
        without = told(Desk(tmp_path / "data", engine, Remote.of(f"http://{address}")))
        wrong = told(Desk(tmp_path / "data", engine, Remote.of(f"http://ann:hunter2@{address}")))
        server.shutdown()
    assert [state for state, _ in (without, wrong)] == ["failed", "failed"]
    assert "could not read Username" in without[1]
    assert base64.b64encode(b"ann:hunter2").decode() in Closed.given[-1]
    assert "hunter2" not in wrong[1]


def test_a_remote_that_never_answers_is_given_up(tmp_path: Path, engine: sa.Engine) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        remote = Remote.of(f"http://127.0.0.1:{silent.getsockname()[1]}/a.git")
        desk = Desk(tmp_path / "data", engine, remote, {"seconds": 0.3})
        state, reason = told(desk)
        assert (state, reason.startswith(f"{remote.url} was too slow.")) == ("failed", True)
        assert reason.endswith("git says: git ls-remote took longer than 0.3 seconds and was ended.")


def test_a_damaged_clone_is_made_anew_and_never_taken_for_the_repository_around_it(
    forge: Forge, tmp_path: Path, engine: sa.Engine
) -> None:
    around = tmp_path / "around"
    around.mkdir()
    git(around, "init", "-q", "-b", "work")
    (around / "mine.txt").write_text("keep me")
    desk = Desk(around / "data", engine, Remote.of(str(forge.remote), folder="docs"))
    forge.push({"vpn.md": VPN})
    desk.pull()
    (around / "data" / FOLDER / ".git" / "HEAD").write_text("damaged")
    (around / "data" / FOLDER / ".git" / "index.lock").write_text("")
    forge.push({"printer.md": PRINTER})

    assert desk.pull().state == "published"
    assert desk.articles == ["printer", "vpn"]
    assert (around / "mine.txt").read_text() == "keep me"
    assert git(around, "symbolic-ref", "HEAD").strip() == "refs/heads/work"


def test_a_filter_that_never_ends_is_ended_and_the_clone_stays_as_it_does_where_a_file_cannot_be_written(
    forge: Forge, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge.push({"vpn.md": VPN})
    desk.pull()
    marker = desk.data / FOLDER / ".git" / "kept"
    marker.touch()
    (forge.checkout / ".gitattributes").write_text("*.md filter=slow")
    forge.push({"printer.md": PRINTER})
    # As a server's own settings have it; a filter that is required and fails stops git as a full disk does.
    for name, value in (("COUNT", "2"), ("KEY_0", "filter.slow.smudge"), ("KEY_1", "filter.slow.required")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    monkeypatch.setenv("GIT_CONFIG_VALUE_1", "true")
    reach = repository.reach

    def soon(folder: Path, *given: str, seconds: float, **more: dict[str, str]) -> str:
        return reach(folder, *given, seconds=0.2 if (given[0], smudge) == ("checkout", "sleep 600") else 20.0, **more)

    monkeypatch.setattr(repository, "reach", soon)
    for smudge, words in (
        ("sleep 600", "git checkout took longer than 0.2 seconds and was ended."),
        ("false", "git checkout: docs/"),
    ):
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", smudge)
        state, reason = told(desk)
        assert (state, reason[: len(words)], marker.exists()) == ("failed", words, True)

    monkeypatch.setenv("GIT_CONFIG_COUNT", "0")
    assert desk.pull().state == "published"
    assert marker.exists()


def test_where_git_runs_out_of_room_its_leavings_are_cleared_away_before_the_reason_is_written(
    forge: Forge, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = desk.data / FOLDER / ".git" / "objects" / "pack" / "tmp_pack_1"
    reach = repository.reach

    def full(folder: Path, *given: str, seconds: float, **more: dict[str, str]) -> str:
        if given[0] != "fetch":
            return reach(folder, *given, seconds=seconds, **more)
        left.touch()
        raise repository.RepositoryError("git fetch: write error: No space left on device.")

    forge.push({"vpn.md": VPN})
    with monkeypatch.context() as patched:
        patched.setattr(repository, "reach", full)
        state, reason = told(desk)
    assert (state, "The disk of this server is full" in reason, left.exists()) == ("failed", True, False)
    assert desk.pull().state == "published"


def test_a_clone_with_a_broken_object_is_fetched_anew(forge: Forge, desk: Desk) -> None:
    forge.push({"vpn.md": VPN})
    desk.pull()
    forge.push({"printer.md": PRINTER})
    clone = desk.data / FOLDER
    index = clone / ".git" / "index"
    index.write_bytes(b"broken")

    assert desk.pull().state == "published"
    assert desk.articles == ["printer", "vpn"]


def test_what_a_killed_process_left_is_failed_with_what_it_wrote_last(forge: Forge, desk: Desk) -> None:
    forge.push({"vpn.md": VPN})
    store = desk.publisher.store
    store.ask("webhook", "", NOON)
    desk.data.mkdir()
    script = (
        "import sys, sqlalchemy as sa\nfrom pathlib import Path\n"
        "from bot.database import open_engine\nfrom bot.publishing.remote import Remote\n"
        "from bot.publishing import publisher\nfrom tests.bot.publishing.desk import Desk\nimport os\n"
        "publisher.make = lambda *a, **b: (print('out of memory', file=sys.stderr, flush=True), os._exit(9))\n"
        "desk = Desk(Path(sys.argv[1]), open_engine(sys.argv[2]), Remote.of(sys.argv[3], folder='docs'))\n"
        "desk.publisher.work()\n"
    )
    command = [sys.executable, "-c", script, str(desk.data), str(desk.engine.url), str(forge.remote)]
    with (desk.data / module.LOG_FILE).open("wb") as log:
        named = {**os.environ, "PYTHONPATH": str(PROJECT)}
        died = subprocess.run(command, cwd=PROJECT, stderr=log, check=False, env=named)
    assert died.returncode == 9
    running = store.last("running")
    assert running is not None
    assert running.stage == "building"

    assert desk.publisher.settle() is False
    left = store.get(running.id)
    assert (left.state, left.output) == ("failed", "out of memory\n")
    assert str(left.reason) == "The process that published ended without a word. What was in use stayed in use."
    assert desk.pull().state == "published"


# --- the way back ----------------------------------------------------------------------------------------------------


def test_going_back_holds_the_commit_until_a_newer_one_comes_or_somebody_says_so(forge: Forge, desk: Desk) -> None:
    forge.push({"vpn.md": VPN}, "First")
    first = desk.pull()
    bad = forge.push({"printer.md": PRINTER}, "Second")
    second = desk.pull()

    back = desk.publisher.take_back("", "Kim")

    assert (back.state, back.how, back.who, back.subject) == ("published", "rollback", "Kim", "First")
    assert (back.snapshot, back.before, desk.live.id) == (first.snapshot, second.snapshot, first.snapshot)
    words = f"Commit {bad[:10]} was taken back. It stays so until a newer one is pushed or somebody publishes it again."
    assert told(desk) == ("unchanged", words)
    (forge.checkout / "ci.yml").write_text("on: push")
    forge.push({})  # a newer commit with the same articles
    assert desk.pull().state == "unchanged"
    assert desk.live.id == first.snapshot

    again = desk.pull(again=True)
    assert (again.state, again.snapshot) == ("published", second.snapshot)
    desk.publisher.take_back("", "Kim")
    forge.push({"wifi.md": "# Wi-Fi\n\nText.\n"})
    assert desk.pull().state == "published"
    assert desk.articles == ["printer", "vpn", "wifi"]
    desk.publisher.take_back("", "Kim")
    assert desk.live.id == first.snapshot  # what had been taken back is not what was there before


def test_going_back_is_undone_and_told_where_there_is_nothing_to_go_back_to(forge: Forge, desk: Desk) -> None:
    forge.push({"vpn.md": VPN})
    first = desk.pull()
    with pytest.raises(NothingToTakeBack, match="No snapshot was published before the one in use"):
        desk.publisher.take_back("", "")
    forge.push({"printer.md": PRINTER})
    second = desk.pull()
    forge.push({"printer.md": BROKEN})
    assert desk.pull().state == "refused"

    assert desk.publisher.take_back("", "").snapshot == first.snapshot
    assert taken_back(FolderPlace(desk.data)) == (second.snapshot,)
    assert desk.publisher.take_back(second.snapshot, "").state == "published"
    assert (desk.live.id, taken_back(FolderPlace(desk.data))) == (second.snapshot, ())
    with pytest.raises(NothingToTakeBack, match=r"no published snapshot \.\./x"):
        desk.publisher.take_back("../x", "")
    (desk.data / "snapshots" / first.snapshot / "words.arrays").unlink()
    with pytest.raises(NothingToTakeBack, match=r"words\.arrays is missing"):
        desk.publisher.take_back("", "")
    assert desk.live.id == second.snapshot
    with locked(desk.data, wait=False), pytest.raises(PublicationRunning):
        desk.publisher.take_back("", "")


def test_going_back_without_the_database_changes_nothing_or_is_written_down_later(
    forge: Forge, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge.push({"vpn.md": VPN})
    first = desk.pull()
    forge.push({"printer.md": PRINTER})
    second = desk.pull()
    keep, answers = desk.publisher.store.keep, [False]

    def gone(publication: module.Publication) -> module.Publication:
        if not answers.pop(0):
            raise StoreUnavailable("The publication could not be stored")
        return keep(publication)

    monkeypatch.setattr(desk.publisher.store, "keep", gone)
    with pytest.raises(StoreUnavailable):
        desk.publisher.take_back("", "Kim")
    assert desk.live.id == second.snapshot

    answers[:] = [True, False]  # it goes away right after the switch
    with pytest.raises(StoreUnavailable):
        desk.publisher.take_back("", "Kim")
    assert desk.live.id == first.snapshot
    monkeypatch.undo()
    desk.publisher.settle()
    row = desk.publisher.store.find().rows[0]
    assert (row.how, row.who, row.state, row.snapshot) == ("rollback", "Kim", "published", first.snapshot)


def test_a_finding_is_for_those_who_may_read_all_the_articles_it_speaks_of() -> None:
    finding = Finding("a.md", 1, "stolen", "error", "", "", ("public", "ops"))
    assert [finding.readable_by(those) for those in ({"public"}, {"public", "ops"})] == [False, True]


def test_a_change_that_steals_another_articles_question_is_refused_unless_no_test_is_required(
    forge: Forge, desk: Desk
) -> None:
    tunnel = "---\nid: {}\naudience: ops\nquestions: [{}]\n---\n# {}\n\nStart the tunnel.\n"
    forge.push({"vpn.md": tunnel.format("vpn", "the tunnel does not connect", "The tunnel"), "printer.md": PRINTER})
    assert desk.pull().state == "published"
    thief = tunnel.format("thief", "why does the tunnel not connect", "The tunnel does not connect")
    forge.push({"thief.md": thief})

    done = desk.pull()

    assert done.state == "refused"
    assert str(done.reason) == "Questions do not find their article: new ones, or ones that found it so far."
    finding = done.findings[0]
    assert (finding.path, finding.line, finding.rule) == ("vpn.md", 4, "stolen-question")
    assert finding.message == "“the tunnel does not connect” found this article, and finds thief.md now, which is new."
    assert finding.audiences == ("ops",)
    assert desk.articles == ["printer", "vpn"]
    relaxed = Desk(desk.data, desk.engine, desk.remote, {"requires": frozenset({"check"})})
    assert relaxed.pull().state == "published"


def test_pulls_that_come_to_the_same_end_are_one_line_or_two_of_the_history_and_told_of_once(
    forge: Forge, desk: Desk
) -> None:
    heard: list[str] = []
    desk.publisher._announce = lambda row: heard.append(f"{row.id} {row.state}")
    forge.push({"vpn.md": VPN})
    for _ in range(4):
        desk.pull()
    bad = forge.push({"printer.md": BROKEN})
    for _ in range(4):
        desk.pull()
    desk.publisher.store.ask("webhook", "", NOON)
    desk.publisher.work()
    forge.push({"printer.md": BROKEN + "\nMore.\n"})
    desk.pull()
    forge.push({"printer.md": PRINTER})
    desk.pull()

    rows = [(row.id, row.how, row.state) for row in reversed(desk.publisher.store.find().rows)]
    assert rows == [
        (1, "pull", "published"),
        (4, "pull", "unchanged"),
        (5, "pull", "refused"),  # since when
        (8, "pull", "refused"),
        (9, "webhook", "refused"),
        (10, "pull", "refused"),
        (11, "pull", "published"),
    ]
    assert desk.publisher.store.get(8).commit == bad
    assert heard == ["5 refused", "10 refused", "11 published"]


def test_bad_pushes_leave_no_more_than_two_snapshots_behind(forge: Forge, desk: Desk) -> None:
    tunnel = "---\nid: {}\nquestions: [{}]\n---\n# {}\n\nStart the tunnel, {}.\n"
    forge.push({"vpn.md": tunnel.format("vpn", "the tunnel does not connect", "The tunnel", 0), "printer.md": PRINTER})
    desk.pull()
    for number in range(3):
        thief = tunnel.format("thief", "why does the tunnel not connect", "The tunnel does not connect", number)
        forge.push({"thief.md": thief})
        done = desk.pull()
        assert (done.state, bool(done.snapshot)) == ("refused", True)
    assert len(list((desk.data / "snapshots").iterdir())) == 3


def test_what_no_database_takes_is_left_out_of_what_git_calls_things(desk: Desk) -> None:
    found = Finding("caf\udce9\x1b[31m.md", 0, "link-out", "error", "m")
    asked = desk.publisher.store.ask("pull", "", NOON)
    desk.publisher.store.keep(replace(asked, subject="caf\udce9 \x00red", findings=(found,), found=1))

    kept = desk.publisher.store.get(asked.id)

    assert (kept.subject, kept.findings[0].path) == ("caf red", "caf[31m.md")


def test_a_finding_on_a_draft_or_a_broken_file_is_for_those_whom_the_file_is_for(tmp_path: Path) -> None:
    for name, text in {
        "draft.md": "---\nstatus: draft\naudience: 'ops'  # until May\n---\n# Draft\n\n![](gone.png)\n",
        "broken.md": "---\ntitle: The plan: a secret\naudience: Internal\n---\n# Plan\n\nText.\n",
        "kinds.md": "---\ntitle: a: b\naudience: itpro | admin\n---\n# Kinds\n\nText.\n",
    }.items():
        (tmp_path / name).write_text(text)

    findings, _ = gates.check(tmp_path, CheckSettings(), NOON.date())

    read_by = {finding.path: finding.audiences for finding in findings}
    assert read_by == {"draft.md": ("ops",), "broken.md": ("internal",), "kinds.md": ("public",)}
