from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kb.articles import load
from kb.build import BuildSettings, build
from kb.calibrate import DEFAULT
from kb.embedding import HashEmbedder, sha256_of
from kb.errors import SnapshotDamaged, SnapshotForeign, SnapshotMissing
from kb.head import Head
from kb.markdown import render
from kb.models import ArticleKey, version_of
from kb.passages import split
from kb.search import Query, Searcher
from kb.snapshot import current_id, open_current, open_snapshot, snapshots_folder, switch
from kb.vectors import FaissStore
from tests.conftest import CREATED

_FILES = {
    "en/a.md": "---\nquestions: [q one, q two]\nkeywords: [k]\naudience: internal\nx: [1, {y: 2}]\n---\n"
    "# A\n\nText\n\n## B\n\n- c\n",
    "pl/a.md": "# Ż\n\n![p](../p.png)\n",
    "pl/b.md": "Tekst\n",
    "broken.md": "---\na: b: c\n---\n",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    for name, text in _FILES.items():
        (folder / "articles" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "articles" / name).write_text(text)
    (folder / "articles" / "p.png").write_bytes(b"picture")
    build(folder / "articles", folder / "data", BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return folder


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    """A data folder of one's own to damage."""
    shutil.copytree(built / "data", tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def folder(data: Path) -> Path:
    return snapshots_folder(data) / current_id(data)


def _edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_snapshot_holds_what_was_loaded_and_split(built: Path) -> None:
    snapshot = open_current(built / "data")
    loaded = load(built / "articles")
    told = [replace(article, body="", version=version_of(article)) for article in loaded.articles]
    assert [entry.article for entry in snapshot.entries] == told
    assert [version_of(entry.article) for entry in snapshot.entries] == [version_of(each) for each in loaded.articles]
    assert snapshot.skipped == loaded.skipped
    fake = HashEmbedder()
    for entry, article in zip(snapshot.entries, loaded.articles, strict=True):
        rendered = render(article.body, first_line=article.body_line)
        passages = split(article, rendered, fake.count_tokens, fake.max_tokens)
        held = [snapshot.passages[row] for row in entry.rows]
        assert [(p.kind, p.text, p.embedded, p.lines) for p in held] == [
            (p.kind, p.text, p.embedded, p.lines) for p in passages
        ]
        assert [s.heading_path for s in entry.sections] == [s.heading_path for s in rendered.sections]
    assert [entry.rows for entry in snapshot.entries] == [range(5), range(5, 7), range(7, 9)]
    assert snapshot.owner.tolist() == [0, 0, 0, 0, 0, 1, 1, 2, 2]


def test_each_row_of_the_store_is_the_vector_of_its_passage(built: Path) -> None:
    snapshot = open_current(built / "data")
    expected = HashEmbedder().embed_passages([passage.embedded for passage in snapshot.passages])
    rows = np.arange(len(snapshot.passages), dtype=np.int64)
    np.testing.assert_allclose(np.diag(snapshot.encoders[0].vectors.score(expected, rows)), 1.0, atol=1e-6)


def test_the_head_of_the_build_is_the_one_a_start_would_fit(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = open_current(built / "data")
    bare = replace(snapshot, encoders=tuple(replace(each, heads={}) for each in snapshot.encoders))
    fitted = Searcher(bare).rank(Query("Tekst"))
    monkeypatch.setattr(Head, "of", None)  # cannot be called
    assert Searcher(snapshot).rank(Query("Tekst")) == fitted


def test_articles_are_found_by_id_and_language(built: Path) -> None:
    snapshot = open_current(built / "data")
    entry = snapshot.entry(ArticleKey("a", "pl"))
    assert (entry and entry.article.title, snapshot.entry(ArticleKey("b", "en"))) == ("Ż", None)
    assert snapshot.languages == ("pl", "en")


def test_a_snapshot_shows_its_id_and_counts_and_nothing_of_its_content(built: Path) -> None:
    snapshot = open_current(built / "data")
    assert repr(snapshot) == f"<Snapshot {snapshot.id}: 3 articles, 9 passages>"


def test_only_pictures_of_the_manifest_are_served(built: Path) -> None:
    snapshot = open_current(built / "data")
    (path,) = (snapshot.folder / "pictures").iterdir()
    assert snapshot.picture(path.name) == path
    (snapshot.folder / "pictures" / "more.png").write_bytes(b"x")
    assert [snapshot.picture(name) for name in ("more.png", "../manifest.json", "", "..", "x.png")] == [None] * 5
    (snapshot.folder / "pictures" / "more.png").unlink()


# --- what is not opened ------------------------------------------------------------------------------------------


def test_a_data_folder_without_a_snapshot_says_how_to_build_one(tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "none"):
        with pytest.raises(SnapshotMissing) as caught:
            open_current(data)
        assert str(caught.value) == (
            f"{data} holds no snapshot yet. Build one first: firstline index ARTICLES --data {data}, or firstline pull"
        )


def test_a_data_folder_that_is_a_file_holds_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(SnapshotMissing):
        open_current(tmp_path / "data")


def test_a_pointer_to_a_snapshot_that_is_gone_is_missing(data: Path) -> None:
    switch(data, "0123456789abcdef")
    with pytest.raises(SnapshotMissing, match=r"0123456789abcdef holds no snapshot \(manifest\.json is missing\)\.$"):
        open_current(data)


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no text", "a folder"])
def test_a_pointer_that_cannot_be_read_is_damaged(data: Path, content: bytes | None) -> None:
    (data / "current").unlink()
    if content is None:
        (data / "current").mkdir()
    else:
        (data / "current").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match="current cannot be read: "):
        open_current(data)


_HELD = [
    "articles.jsonl",
    "passages.jsonl",
    "rows.arrays",
    "sections.jsonl",
    "words.arrays",
    "units.arrays",
    "encoders/fake-words/encoder.json",
    "encoders/fake-words/head.arrays",
    "encoders/fake-words/vectors.faiss",
    "pictures/",
]


def _held(folder: Path, name: str) -> Path:
    return next((folder / name).iterdir()) if name.endswith("/") else folder / name


def test_the_manifest_has_the_hash_of_every_other_file(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    there = {path.relative_to(folder).as_posix(): sha256_of(path) for path in folder.rglob("*") if path.is_file()}
    del there["manifest.json"]
    assert manifest["files"] == there
    assert {_held(folder, name).relative_to(folder).as_posix() for name in _HELD} == set(there)


@pytest.mark.parametrize("name", _HELD)
@pytest.mark.parametrize("damage", ["one bit", "cut short", "emptied"])
def test_a_file_that_was_changed_is_named(folder: Path, name: str, damage: str) -> None:
    path = _held(folder, name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"one bit": bytes(content), "cut short": path.read_bytes()[:-1], "emptied": b""}[damage])
    with pytest.raises(SnapshotDamaged) as caught:
        open_snapshot(folder)
    assert str(caught.value) == f"{path} was changed after it was built. Build the snapshot again."


@pytest.mark.parametrize("name", _HELD)
def test_a_file_that_is_gone_is_named(folder: Path, name: str) -> None:
    path = _held(folder, name)
    path.unlink()
    with pytest.raises(SnapshotDamaged) as caught:
        open_snapshot(folder)
    assert str(caught.value) == f"{path} is missing. Build the snapshot again with firstline index."


@pytest.mark.parametrize(("name", "real"), [("articles", 3), ("passages", 9)])
def test_a_count_that_is_not_what_the_manifest_says_is_damaged(folder: Path, name: str, real: int) -> None:
    _edit(folder, lambda manifest: manifest["counts"].update({name: real + 1}))
    with pytest.raises(SnapshotDamaged) as caught:
        open_snapshot(folder)
    assert str(caught.value) == f"{folder} holds {real} {name}, its manifest says {real + 1}. Build it again."


@pytest.mark.parametrize("shape", [(8, 96), (9, 95)])
def test_vectors_of_another_count_or_dimension_are_damaged(folder: Path, shape: tuple[int, int]) -> None:
    name = "encoders/fake-words/vectors.faiss"
    FaissStore.of(np.ones(shape, np.float32)).save(folder / name)
    _edit(folder, lambda manifest: manifest["files"].update({name: sha256_of(folder / name)}))
    with pytest.raises(SnapshotDamaged) as caught:
        open_snapshot(folder)
    assert str(caught.value) == (
        f"{folder}: the vectors of fake-words are {shape[0]} × {shape[1]}, expected 9 × 96. Build it again."
    )


def test_another_encoder_than_the_manifest_names_is_damaged(folder: Path) -> None:
    _edit(folder, lambda manifest: manifest["encoders"][0].update(fingerprint="0" * 16))
    with pytest.raises(
        SnapshotDamaged, match=f"holds the encoder fake-words {HashEmbedder().fingerprint}, the manifest"
    ):
        open_snapshot(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 3])
def test_a_manifest_that_cannot_be_read_is_damaged(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=r"manifest\.json cannot be read: .*Build the snapshot again\.$"):
        open_snapshot(folder)


@pytest.mark.parametrize("key", ["id", "created", "encoders", "counts", "skipped", "files"])
def test_a_manifest_without_one_of_its_keys_is_damaged(folder: Path, key: str) -> None:
    _edit(folder, lambda manifest: manifest.pop(key))
    with pytest.raises(SnapshotDamaged, match=rf"manifest\.json has no {key}\. Build the snapshot again\.$"):
        open_snapshot(folder)


@pytest.mark.parametrize("content", ["{}", "[]", "5", '{"program": "another", "format": 1}'])
def test_a_manifest_of_another_program_is_foreign(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(SnapshotForeign) as caught:
        open_snapshot(folder)
    assert str(caught.value) == f"{folder}/manifest.json was not written by Firstline."


@pytest.mark.parametrize("number", [0, 2, None, "3"])
def test_another_format_is_foreign_and_says_what_to_do(folder: Path, number: object) -> None:
    _edit(folder, lambda manifest: manifest.update(format=number))
    with pytest.raises(SnapshotForeign) as caught:
        open_snapshot(folder)
    assert str(caught.value) == (
        f"{folder}/manifest.json has format {number}, this version reads format 4. "
        "Build the snapshot again with firstline index."
    )


def test_switching_leaves_one_pointer_and_nothing_else(data: Path) -> None:
    before = sorted(path.name for path in data.iterdir())
    switch(data, "another")
    assert current_id(data) == "another"
    assert sorted(path.name for path in data.iterdir()) == before


@pytest.mark.parametrize(
    ("value", "shown"), [({}, "None"), ({"shift": "a"}, "'a'"), ({"shift": True}, "True"), (0.1, "None")]
)
def test_a_manifest_whose_confidence_is_no_number_is_damaged(folder: Path, value: Any, shown: str) -> None:
    _edit(folder, lambda manifest: manifest.update(calibration=value))
    with pytest.raises(SnapshotDamaged) as caught:
        open_snapshot(folder)
    assert str(caught.value) == (
        f"{folder / 'manifest.json'}: calibration.shift is {shown}, expected a number. Build the snapshot again."
    )


def test_how_sure_a_snapshot_is_follows_from_its_manifest(folder: Path) -> None:
    _edit(folder, lambda manifest: manifest.update(calibration={"shift": -0.25}))
    assert open_snapshot(folder).calibration == DEFAULT.shifted(-0.25)
