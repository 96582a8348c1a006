"""A snapshot that is damaged: every file of it, flipped, cut off or gone, at a switch and at a start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.library import Library
from kb.errors import SnapshotError
from kb.snapshot import current_id
from tests import built
from tests.web.site import ARTICLES

_NAMES = ("en/accounts/reset-password.md", "en/network/vpn.md", "pictures/steps.svg")


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, str, str]:
    """A data folder, and the ids of the snapshots published in it, the one in use last."""
    articles, data = tmp_path / "articles", tmp_path / "data"
    ids = []
    for words in ("", "\nThen sign in.\n"):
        for name in _NAMES:
            (articles / name).parent.mkdir(parents=True, exist_ok=True)
            (articles / name).write_text(ARTICLES[name] + (words if name.endswith("vpn.md") else ""))
        built.index(articles, data)
        ids.append(current_id(data))
    return data, ids[0], ids[1]


@pytest.mark.parametrize("damage", [_flip, _cut, Path.unlink])
def test_a_server_starts_with_the_snapshot_before_where_any_file_of_the_one_in_use_is_damaged(
    two: tuple[Path, str, str], damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    data, before, damaged = two
    folder = data / "snapshots" / damaged
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) >= 8
    for path in files:
        whole = path.read_bytes()
        damage(path)
        caplog.clear()

        library = Library(data)

        # A bit in a word of the manifest that nothing depends on, such as when it was built, changes no answer.
        if path.name != "manifest.json" or library.searcher.snapshot.id == before:
            assert library.searcher.snapshot.id == before, path
            (said,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
            assert said.startswith(f"snapshot {damaged} is refused, {before} is in use: ")
            assert str(folder) in said
            assert not library.refresh()
        path.write_bytes(whole)
    assert Library(data).searcher.snapshot.id == damaged


@pytest.mark.parametrize("damage", [_flip, _cut, Path.unlink])
def test_a_running_server_stays_with_what_it_has_where_the_new_snapshot_is_damaged(
    two: tuple[Path, str, str], damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    data, before, damaged = two
    (data / "current").write_text(before + "\n")
    library = Library(data)
    damage(data / "snapshots" / damaged / "passages.jsonl")
    (data / "current").write_text(damaged + "\n")

    assert not library.refresh()
    assert not library.refresh()

    assert library.searcher.snapshot.id == before
    (said,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert "passages.jsonl" in said


def test_with_no_snapshot_that_can_be_used_the_damage_is_said(two: tuple[Path, str, str]) -> None:
    data, before, damaged = two
    for name in (before, damaged):
        _cut(data / "snapshots" / name / "passages.jsonl")

    with pytest.raises(SnapshotError, match=damaged):
        Library(data)
