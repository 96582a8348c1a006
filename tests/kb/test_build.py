from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kb.build import BuildReport, BuildSettings, build, make, publish
from kb.calibrate import DEFAULT
from kb.embedding import HashEmbedder
from kb.errors import DataFolderError, EncoderError, EvaluationFileError, SnapshotMissing, SourceError
from kb.published import KEPT
from kb.snapshot import current_id, open_current, open_snapshot, snapshots_folder
from tests.conftest import CREATED, PROJECT, Index, Write

_FILES = {
    "a.md": "---\nquestions: [where is a, how is a]\n---\n# Alpha\n\nText of a.\n\n## More\n\nMore of a.\n",
    "b.md": "# Beta\n\nText of b.\n",
    "pl/a.md": "# Alfa\n\nTekst.\n",
    "draft.md": "---\nstatus: draft\n---\nText\n",
}


def _on_disk(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of change of every file below a folder, what is only a cache left aside."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != "cache"
    }


def _ids(data: Path) -> set[str]:
    return {path.name for path in snapshots_folder(data).iterdir()}


def _build(source: Path, data: Path, created: str = CREATED, lang: str = "en") -> BuildReport:
    return build(source, data, BuildSettings(model=HashEmbedder.NAME, default_lang=lang), created=created)


# --- what is built -----------------------------------------------------------------------------------------------


def test_the_report_counts_files_articles_passages_and_texts_that_were_embedded(write: Write, data: Path) -> None:
    report = _build(write(_FILES), data)
    assert (report.articles, report.files, report.changed) == (3, 4, True)
    assert [str(entry) for entry in report.skipped] == ["draft.md: draft: status: draft"]
    # Alpha: title, two questions, two sections; Beta and Alfa: title and text.
    assert (report.passages, report.embedded) == (9, 9)
    assert report.snapshot == current_id(data)


def test_identical_texts_are_embedded_once_and_found_in_both_articles(write: Write, data: Path) -> None:
    report = _build(write({"a.md": "# Same\n\nText.\n", "b.md": "# Same\n\nText.\n"}), data)
    assert (report.articles, report.passages, report.embedded) == (2, 4, 2)
    snapshot = open_current(data)
    vectors = snapshot.encoders[0].vectors.score(np.eye(96, dtype=np.float32), np.arange(4, dtype=np.int64)).T
    np.testing.assert_array_equal(vectors[:2], vectors[2:])


def test_a_question_that_reads_like_a_passage_is_embedded_in_both_roles(write: Write, data: Path) -> None:
    report = _build(write({"a.md": "---\ntitle: Same words\nquestions: [Same words]\n---\nText\n"}), data)
    assert (report.passages, report.embedded) == (3, 3)


def test_progress_names_its_stages_in_order(write: Write, data: Path) -> None:
    stages: list[str] = []
    build(
        write(_FILES),
        data,
        BuildSettings(model=HashEmbedder.NAME),
        created=CREATED,
        progress=lambda stage, done, total: stages.append(stage),
    )
    assert list(dict.fromkeys(stages)) == ["Reading", "Splitting", "Embedding", "Writing", "Calibrating"]
    assert stages.count("Reading") == len(_FILES)


def test_pictures_that_articles_show_are_copied_and_others_are_not(write: Write, data: Path) -> None:
    source = write({"a.md": '![one](one.png) <img src="two.png"> ![gone](gone.png)\n\n![out](../secret.png)\n'})
    for name in ("one.png", "two.png", "unused.png", "../secret.png"):
        (source / name).write_bytes(name.encode())
    _build(source, data)
    snapshot = open_current(data)
    pictures = sorted(path.read_bytes() for path in (snapshot.folder / "pictures").iterdir())
    assert pictures == [b"one.png", b"two.png"]
    html = snapshot.entries[0].sections[0].html
    names = [part.split('"')[0] for part in html.split("/pictures/")[1:]]
    assert [snapshot.picture(name) is None for name in names] == [False, False]
    assert snapshot.picture("../manifest.json") is None


def test_links_between_articles_become_addresses_of_the_site(write: Write, data: Path) -> None:
    source = write({"pl/a.md": "[b](../en/b.md#więcej)\n", "en/b.md": "## Więcej\n\nText\n"})
    _build(source, data)
    htmls = [section.html for entry in open_current(data).entries for section in entry.sections]
    assert htmls[1].startswith('<p><a href="/en/articles/b#wi%C4%99cej"')


def test_a_jsonl_file_is_a_source_too(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "1", "title": "T", "body": "B"}\n{"id": "2", "body": ""}\n')
    report = _build(path, data)
    assert (report.articles, report.files) == (1, 2)


# --- identity ----------------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_id_and_the_same_bytes_wherever_it_is_built(write: Write, tmp_path: Path) -> None:
    source = write(_FILES)
    one, two = _build(source, tmp_path / "one"), _build(source, tmp_path / "two", created="2030-01-01T00:00:00+00:00")
    assert one.snapshot == two.snapshot
    files = [open_current(tmp_path / name).manifest["files"] for name in ("one", "two")]
    assert files[0] == files[1]
    assert len(files[0]) == 9
    fitted = [open_current(tmp_path / name).manifest["calibration"] for name in ("one", "two")]
    assert fitted[0] == fitted[1]


def test_the_manifest_says_how_sure_the_base_may_be_and_what_that_comes_from(write: Write, data: Path) -> None:
    _build(write(_FILES), data)
    snapshot = open_current(data)
    found = snapshot.manifest["calibration"]
    assert list(found) == ["shift", "own", "right", "foreign", "own_subjects"]
    assert (found["own"], found["foreign"]) == (2, 4 * (40 - len(found["own_subjects"])))
    assert snapshot.calibration == DEFAULT.shifted(found["shift"])


@pytest.mark.parametrize("change", ["text", "name", "new", "picture", "language"])
def test_any_change_of_the_input_gives_another_id(write: Write, data: Path, change: str) -> None:
    source = write(_FILES)
    (source / "p.png").write_bytes(b"1")
    before = _build(source, data)
    if change == "text":
        (source / "b.md").write_text("# Beta\n\nOther text.\n")
    elif change == "name":
        (source / "b.md").rename(source / "c.md")
    elif change == "new":
        (source / "c.md").write_text("New\n")
    elif change == "picture":
        (source / "p.png").write_bytes(b"2")
    after = _build(source, data, lang="de" if change == "language" else "en")
    assert (after.changed, after.snapshot == before.snapshot) == (True, False)


def test_a_second_build_embeds_nothing_and_changes_nothing_on_disk(write: Write, index: Index, data: Path) -> None:
    source = write(_FILES)
    first = index(source)
    before = _on_disk(data)
    second = index(source)
    assert (second.embedded, second.changed) == (0, False)
    assert _on_disk(data) == before
    assert (second.snapshot, second.articles, second.skipped) == (first.snapshot, first.articles, first.skipped)


def test_a_second_build_with_the_real_encoder_changes_nothing_either(own_data: Path) -> None:
    before = _on_disk(own_data)
    report = build(PROJECT / "articles", own_data, BuildSettings(), created="2031-01-01T00:00:00+00:00")
    assert (report.embedded, report.changed) == (0, False)
    assert _on_disk(own_data) == before


def test_a_data_folder_within_the_source_does_not_count_as_source(write: Write) -> None:
    source = write({"a.md": "![p](p.png)\n"})
    (source / "p.png").write_bytes(b"picture")
    first = _build(source, source / "data")
    second = _build(source, source / "data")
    assert (second.snapshot, second.changed) == (first.snapshot, False)


def test_of_one_changed_article_only_its_passages_are_embedded(write: Write, index: Index) -> None:
    source = write({f"{n}.md": f"# Title {n}\n\nText {n}.\n\n## Part {n}\n\nMore {n}.\n" for n in range(20)})
    assert index(source).embedded == 60
    (source / "7.md").write_text("# Title 7\n\nText 7.\n\n## Part 7\n\nAll new.\n")
    report = index(source)
    assert (report.passages, report.embedded) == (60, 1)
    (source / "7.md").write_text("# New title\n\nText 7.\n\n## Part 7\n\nAll new.\n")
    assert index(source).embedded == 3  # the title stands in front of each passage


def test_going_back_to_an_older_input_switches_without_building(write: Write, index: Index, data: Path) -> None:
    source = write(_FILES)
    first = index(source)
    (source / "b.md").write_text("# Beta\n\nOther.\n")
    index(source)
    before = _ids(data)
    (source / "b.md").write_text(_FILES["b.md"])
    back = index(source)
    assert (back.snapshot, back.embedded, back.changed) == (first.snapshot, 0, True)
    assert (current_id(data), _ids(data)) == (first.snapshot, before)


def test_old_snapshots_are_collected_and_the_newest_stay(write: Write, data: Path) -> None:
    source = write(_FILES)
    ids = []
    for n in range(KEPT + 3):
        (source / "b.md").write_text(f"# Beta\n\nText {n}.\n")
        ids.append(_build(source, data, created=f"2026-01-0{n + 1}T00:00:00+00:00").snapshot)
    assert len(set(ids)) == KEPT + 3
    assert _ids(data) == set(ids[-KEPT - 1 :])
    assert open_current(data).id == ids[-1]


# --- what cannot be built ----------------------------------------------------------------------------------------


def test_a_folder_without_an_article_says_why_and_leaves_the_snapshot_in_use(
    write: Write, index: Index, data: Path
) -> None:
    source = write({"a.md": "Text\n"})
    first = index(source)
    (source / "a.md").write_text("---\nstatus: draft\n---\nText\n")
    (source / "b.md").write_text("---\na: b: c\n---\nText\n")
    (source / "c.md").write_text("---\na: b: c\n---\nText\n")
    with pytest.raises(SourceError) as caught:
        index(source)
    assert str(caught.value) == (
        f"{source} holds no article (1 × draft, 2 × broken front matter). The snapshot in use stays as it is."
    )
    assert open_current(data).id == first.snapshot


def test_an_empty_folder_holds_no_markdown_files(tmp_path: Path, index: Index, data: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError) as caught:
        index(tmp_path / "empty")
    assert str(caught.value) == (
        f"{tmp_path}/empty holds no article (no Markdown files). The snapshot in use stays as it is."
    )
    with pytest.raises(SnapshotMissing):
        open_current(data)


def test_a_source_that_is_not_there_is_told_before_anything_is_written(
    tmp_path: Path, index: Index, data: Path
) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        index(tmp_path / "none")
    assert data.exists() is False


def test_an_unknown_model_is_told(write: Write, data: Path) -> None:
    with pytest.raises(EncoderError, match=r"^'nowhere' is no known model"):
        build(write(_FILES), data, BuildSettings(model="nowhere"), created=CREATED)


def test_a_broken_line_of_a_jsonl_file_is_told(tmp_path: Path, data: Path) -> None:
    (tmp_path / "docs.jsonl").write_text('{"id": "1", "body": "\\ud800"}\n')
    with pytest.raises(EvaluationFileError, match=r"docs\.jsonl:1: half of a character"):
        _build(tmp_path / "docs.jsonl", data)


def test_a_file_whose_name_is_not_utf_8_is_skipped_and_the_rest_is_built(
    write: Write, index: Index, data: Path
) -> None:
    source = write({"a.md": "Text\n"})
    Path(os.fsdecode(os.fsencode(source) + b"/\xff.md")).write_text("Text")
    assert [entry.reason for entry in index(source).skipped] == ["unreadable"]
    assert [entry.path for entry in open_current(data).skipped] == ["\ufffd.md"]


@pytest.mark.parametrize("blocked", [".", "cache", "cache/encoders", "snapshots"])
def test_a_data_folder_that_cannot_be_written_is_told_without_a_traceback(
    write: Write, data: Path, blocked: str
) -> None:
    (data / blocked).parent.mkdir(parents=True, exist_ok=True)
    (data / blocked).write_text("a file where a folder is needed")
    with pytest.raises(DataFolderError) as caught:
        _build(write(_FILES), data)
    assert str(caught.value).startswith(f"{data}")
    assert str(caught.value).endswith(f"{data} has to be a folder this user may write to, with room on its disk.")


def test_a_damaged_vector_cache_may_be_deleted(write: Write, data: Path) -> None:
    (data / "cache").mkdir(parents=True)
    (data / "cache" / "vectors.db").write_bytes(b"this is no database " * 100)
    with pytest.raises(DataFolderError) as caught:
        _build(write(_FILES), data)
    assert str(caught.value) == (
        f"{data}/cache/vectors.db cannot be used: file is not a database. It is only a cache: delete it."
    )
    (data / "cache" / "vectors.db").unlink()
    assert _build(write(_FILES), data).embedded == 9


def test_a_damaged_snapshot_in_use_is_built_again_without_embedding(write: Write, index: Index, data: Path) -> None:
    source = write(_FILES)
    first = index(source)
    (snapshots_folder(data) / first.snapshot / "passages.jsonl").write_text("")
    second = index(source)
    assert (second.snapshot, second.embedded, second.changed) == (first.snapshot, 0, True)
    assert open_current(data).id == first.snapshot


# --- builders that are killed ------------------------------------------------------------------------------------

_KILLED = """
import os, signal, sys
from pathlib import Path
import kb.build, kb.snapshot

source, data, moment = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def progress(stage, done, total):
    if moment == stage or moment == f"{stage} {done}":
        die()


synced = 0


def die_at_the_third_sync(handle):
    global synced
    synced += 1
    if synced == 3:
        die()


if moment == "files are written but not synced":
    kb.snapshot.os.fsync = die_at_the_third_sync
if moment == "half of the files are written":
    kb.build.Bm25.save = die
if moment == "before it is verified":
    kb.build.open_snapshot = lambda folder: die() if ".building-" in str(folder) else kb.snapshot.open_snapshot(folder)
if moment == "before the switch":
    kb.published.switch = die
if moment == "within the switch":
    replace = os.replace
    os.replace = lambda made, name: die() if Path(name).name == "current" else replace(made, name)
if moment == "right after the switch":
    kb.published.switch = lambda folder, name: die(kb.snapshot.switch(folder, name))
if moment == "before old ones are removed":
    kb.published._collect = die
settings = kb.build.BuildSettings(model="fake-words")
kb.build.build(source, data, settings, created="2027-01-01T00:00:00+00:00", progress=progress)
"""
_MOMENTS = [
    "Reading",
    "Splitting 50",
    "Embedding 64",
    "Writing",
    "half of the files are written",
    "files are written but not synced",
    "before it is verified",
    "before the switch",
    "within the switch",
    "right after the switch",
    "before old ones are removed",
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 80 articles, and one built snapshot of them beside it."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "articles").mkdir()
    for n in range(80):
        (folder / "articles" / f"{n}.md").write_text(f"# Title {n}\n\nText {n}.\n")
    _build(folder / "articles", folder / "data")
    return folder


@pytest.mark.parametrize("moment", _MOMENTS)
def test_a_builder_killed_at_any_moment_leaves_a_snapshot_to_open_and_the_next_build_succeeds(
    base: Path, tmp_path: Path, moment: str
) -> None:
    import shutil

    shutil.copytree(base, tmp_path / "x")
    source, data = tmp_path / "x" / "articles", tmp_path / "x" / "data"
    first = open_current(data)
    for n in range(80):
        (source / f"{n}.md").write_text(f"# Title {n}\n\nNew text {n}.\n")

    command = [sys.executable, "-c", _KILLED, str(source), str(data), moment]
    killed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, "")
    after = open_current(data)
    assert (after.id == first.id) is (moment not in ("right after the switch", "before old ones are removed"))
    report = _build(source, data)
    assert report.embedded == {"Reading": 80, "Splitting 50": 80, "Embedding 64": 16}.get(moment, 0)
    snapshot = open_current(data)
    assert (snapshot.id, snapshot.id == first.id) == (report.snapshot, False)
    assert [entry.sections[0].text for entry in snapshot.entries if entry.article.id == "7"] == ["New text 7."]
    assert _ids(data) - {snapshot.id, first.id} in (set(), _abandoned(data))
    # What the killed builder left goes with the next build that writes.
    (source / "7.md").write_text("Again\n")
    _build(source, data)
    assert _abandoned(data) == set()


def _abandoned(data: Path) -> set[str]:
    return {name for name in _ids(data) if name.startswith(".building-")}


def test_what_a_living_builder_has_in_hand_is_not_removed(write: Write, index: Index, data: Path) -> None:
    mine = snapshots_folder(data) / f".building-{os.getpid()}-x"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = snapshots_folder(data) / f".building-{gone.pid}-x"
    for folder in (mine, dead):
        folder.mkdir(parents=True)
    index(write(_FILES))
    assert (mine.exists(), dead.exists()) == (True, False)


def test_two_builders_at_once_make_the_same_snapshot(write: Write, data: Path) -> None:
    source = write({f"{n}.md": f"# Title {n}\n\nText {n}.\n" for n in range(30)})
    script = (
        "import sys; from pathlib import Path; from kb.build import *\n"
        "build(Path(sys.argv[1]), Path(sys.argv[2]), BuildSettings(model='fake-words'), created='2027')"
    )
    command = [sys.executable, "-c", script, str(source), str(data)]
    running = [subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    results = [(process.communicate()[1], process.returncode) for process in running]
    assert results == [("", 0)] * 3
    assert _ids(data) == {open_current(data).id}


def test_the_manifest_says_what_the_build_saw(write: Write, index: Index, data: Path) -> None:
    report = index(write(_FILES))
    manifest = json.loads((snapshots_folder(data) / report.snapshot / "manifest.json").read_text())
    assert (manifest["program"], manifest["format"], manifest["created"]) == ("firstline", 4, CREATED)
    assert manifest["counts"] == {"files": 4, "articles": 3, "skipped": 1, "passages": 9}
    assert sorted(manifest["inputs"]) == ["code", "default_lang", "encoders", "history", "source"]
    assert open_snapshot(snapshots_folder(data) / report.snapshot).manifest == manifest


def test_a_snapshot_that_is_only_made_is_used_by_nobody_until_it_is_published(
    write: Write, index: Index, data: Path
) -> None:
    before = index(write({"a.md": "# VPN\n\nOpen the client."}))
    settings = BuildSettings(model=HashEmbedder.NAME)

    made = make(write({"a.md": "# VPN\n\nOpen the new client."}), data, settings, created=CREATED)

    assert current_id(data) == before.snapshot
    publish(data, made.snapshot)
    assert current_id(data) == made.snapshot


def test_what_was_never_made_cannot_be_published(write: Write, index: Index, data: Path) -> None:
    before = index(write({"a.md": "# VPN\n\nOpen the client."}))

    with pytest.raises(SnapshotMissing):
        publish(data, "0" * 16)

    assert current_id(data) == before.snapshot
