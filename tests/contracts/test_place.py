"""What every `Place` of published snapshots does, run over each of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from bot.shared.snapshots import SqlPlace
from kb.errors import SnapshotMissing
from kb.place import FolderPlace, Place, in_use, previous, taken_back
from kb.published import KEPT, MARK_COUNTS_S
from kb.snapshot import FORMAT, MANIFEST_FILE, snapshots_folder
from tests.bot.samples import NOON
from tests.databases import DATABASES, engine_of


def make_snapshot(data: Path, name: str, **files: bytes) -> str:
    """Writes what a place looks at of a snapshot: its manifest and some files."""
    folder = snapshots_folder(data) / name
    folder.mkdir(parents=True)
    files = {"articles": name.encode(), "encoder": b"the same in all", **files}
    for path, content in files.items():
        (folder / path).write_bytes(content)
    manifest = {
        **dict.fromkeys(("encoders", "counts", "skipped", "calibration", "topics")),
        **{"program": "firstline", "format": FORMAT, "id": name, "created": name},
        "files": {path: sha256(content).hexdigest() for path, content in files.items()},
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    return name


@dataclass
class Time:
    """Stands still until it is told to go on."""

    s: float = 0.0

    def seconds(self) -> float:
        return self.s


@dataclass
class Site:
    """A place, made anew for each builder and server of it."""

    data: Path
    connect: Callable[[str], Place]
    time: Time = field(default_factory=Time)

    @property
    def builder(self) -> Place:
        return self.connect("")

    def make(self, *names: str) -> None:
        for name in names:
            make_snapshot(self.data, name)
            self.builder.publish(name)

    def go_on(self, seconds: float) -> None:
        """Later, for the clock as for the marks in the folder."""
        self.time.s += seconds
        for mark in (self.data / "servers").glob("*"):
            os.utime(mark, (mark.stat().st_atime - seconds, mark.stat().st_mtime - seconds))


@pytest.fixture(params=["folder", *DATABASES])
def site(request: pytest.FixtureRequest, data: Path) -> Site:
    data.mkdir()
    time = Time()
    if request.param == "folder":
        return Site(data, lambda server: FolderPlace(data, server, time.seconds), time)
    engine: sa.Engine = engine_of(request)

    def connect(server: str) -> Place:
        return SqlPlace(engine, data, lambda: NOON + timedelta(seconds=time.s), server, time.seconds)

    return Site(data, connect, time)


def test_before_anything_was_published_nothing_is_in_use(site: Site) -> None:
    place = site.builder
    assert (place.published(), in_use(place), previous(place), taken_back(place)) == ((), "", "", ())
    with pytest.raises(SnapshotMissing, match=r"holds no snapshot yet\. Build one first: firstline index ARTICLES"):
        place.wanted()


def test_what_is_published_is_in_use_and_can_be_opened(site: Site) -> None:
    site.make("a", "b")
    place = site.builder
    assert (place.wanted()[0], place.published(), previous(place)) == ("b", ("a", "b"), "a")
    assert (place.fetch("b") / "articles").read_bytes() == b"b"
    assert (place.fetch("a") / "articles").read_bytes() == b"a"


def test_one_that_was_not_made_changes_nothing(site: Site) -> None:
    site.make("a")
    before = site.builder.wanted()
    with pytest.raises(SnapshotMissing):
        site.builder.publish("none")
    assert (site.builder.wanted(), site.builder.published()) == (before, ("a",))


def test_some_earlier_ones_can_be_gone_back_to_and_older_ones_are_forgotten(site: Site) -> None:
    site.make(*"abcde")
    assert site.builder.published() == tuple("abcde"[-KEPT - 1 :])
    with pytest.raises(SnapshotMissing, match=r"holds no published snapshot 'a'\. There are: e, d, c\."):
        site.builder.take_back("a")
    assert in_use(site.builder) == "e"


def test_going_back_forgets_nothing_until_something_else_is_published(site: Site) -> None:
    site.make(*"abc")
    site.builder.take_back("b")
    assert (in_use(site.builder), previous(site.builder), taken_back(site.builder)) == ("b", "a", ("c",))
    site.builder.take_back("c")
    assert (in_use(site.builder), taken_back(site.builder)) == ("c", ())
    site.builder.take_back("a")
    site.make("d")
    assert (site.builder.published(), taken_back(site.builder)) == (("a", "d"), ())


def test_publishing_again_what_was_taken_back_has_it_in_use(site: Site) -> None:
    site.make(*"ab")
    site.builder.take_back("a")
    site.builder.publish("b")
    assert (in_use(site.builder), site.builder.published()) == ("b", ("a", "b"))


def test_what_a_server_answers_from_stays_until_it_is_heard_of_no_more(site: Site) -> None:
    site.make("a")
    site.connect("web-1").uses("a")
    site.make(*"bcd")
    assert site.builder.kept() == frozenset("abcd")
    assert (site.builder.fetch("a") / "articles").read_bytes() == b"a"

    site.go_on(MARK_COUNTS_S + 1)
    site.make("e")
    assert site.builder.kept() == frozenset("cde")
    assert {path.name for path in snapshots_folder(site.data).iterdir()} == set("cde")


def test_a_server_says_what_it_uses_when_that_changes_and_once_a_minute(site: Site) -> None:
    site.make("a")
    server = site.connect("web-1")
    for _ in range(20):  # twice as long as one word of it counts
        server.uses("a")
        site.go_on(61)
    server.uses("a")
    site.make(*"bcd")
    assert "a" in site.builder.kept()
    server.uses("d")
    assert site.builder.kept() == frozenset("bcd")


def test_of_builders_that_publish_at_once_none_is_lost(site: Site) -> None:
    site.make("0")
    names = ("x", "y")
    for name in names:
        make_snapshot(site.data, name)
    threads = [Thread(target=site.connect("").publish, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    first, *both = site.builder.published()
    assert (first, set(both)) == ("0", {"x", "y"})
    assert in_use(site.builder) == both[-1]
