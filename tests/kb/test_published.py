"""Which snapshots were published, in order, and which are removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb import place
from kb.build import publish, take_back
from kb.errors import SnapshotMissing
from kb.place import FolderPlace
from kb.published import KEPT, in_use, published
from kb.snapshot import FORMAT, snapshots_folder


def previous(data: Path) -> str:
    return place.previous(FolderPlace(data))


def _make(data: Path, day: int) -> str:
    """The id of a snapshot of a day, as far as it is looked at here: its manifest."""
    folder = snapshots_folder(data) / f"made-{day}"
    folder.mkdir(parents=True)
    keys = ("id", "encoders", "counts", "skipped", "files", "calibration", "topics")
    manifest = {**dict.fromkeys(keys), "program": "firstline", "format": FORMAT, "created": f"2026-01-0{day}"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder.name


@pytest.fixture
def made(data: Path) -> list[str]:
    """The ids of six snapshots, each of a later day; none is published."""
    return [_make(data, day) for day in range(1, 7)]


def _on_disk(data: Path, ids: list[str]) -> list[int]:
    """The days whose snapshots are still there."""
    return [day for day, name in enumerate(ids, 1) if (snapshots_folder(data) / name).is_dir()]


def test_candidates_are_never_gone_back_to_and_push_no_published_one_out(data: Path, made: list[str]) -> None:
    assert (published(data), previous(data), in_use(data)) == ((), "", "")
    publish(data, made[0])
    assert (published(data), previous(data)) == ((made[0],), "")
    assert _on_disk(data, made) == [1, 5, 6]  # the newest candidates: to make them again takes time
    publish(data, made[5])
    assert (published(data), previous(data)) == ((made[0], made[5]), made[0])
    assert _on_disk(data, made) == [1, 5, 6]


def test_two_earlier_ones_stay(data: Path, made: list[str]) -> None:
    publish(data, made[4])
    publish(data, made[5])
    for day in (7, 8):
        made.append(_make(data, day))
        publish(data, made[-1])
    assert published(data) == tuple(made[-KEPT - 1 :])
    assert _on_disk(data, made) == [4, 6, 7, 8]


def test_going_back_forgets_nothing_until_something_else_is_published(data: Path, made: list[str]) -> None:
    for name in made[3:]:
        publish(data, name)
    four, five, six = made[3:]
    assert published(data) == (four, five, six)
    take_back(data, five)
    assert (in_use(data), previous(data), published(data)) == (five, four, (four, five, six))
    take_back(data, six)
    assert (in_use(data), previous(data)) == (six, five)
    take_back(data, four)
    assert previous(data) == ""
    publish(data, five)  # it was published after what is in use: now it is new, and `six` was never published
    assert (published(data), previous(data)) == ((four, five), four)
    with pytest.raises(SnapshotMissing, match=f"no published snapshot '{six}'. There are: {five}, {four}"):
        take_back(data, six)


def test_a_data_folder_of_an_earlier_version_goes_by_the_dates(data: Path, made: list[str]) -> None:
    publish(data, made[4])
    (data / "published").unlink()
    assert published(data) == (made[3], made[4])  # the last is newer than what is in use: it was only made
    publish(data, made[5])
    assert previous(data) == made[4]


def test_killed_between_the_switch_and_the_list_it_is_known_all_the_same(data: Path, made: list[str]) -> None:
    publish(data, made[4])
    (data / "current").write_text(made[5] + "\n")
    assert (published(data), previous(data)) == ((made[4], made[5]), made[4])
