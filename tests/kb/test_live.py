"""A base in memory that follows its folder: what it shows, what it keeps, and what it does not do anew."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kb.build import BuildSettings
from kb.embedding import HashEmbedder
from kb.errors import SourceError
from kb.live import Edition, Live
from kb.models import ArticleKey, version_of
from kb.search import Query
from kb.snapshot import open_current
from tests.conftest import Index, Write
from tests.web.site import ARTICLES

RESET, VPN = ArticleKey("reset-password", "en"), ArticleKey("vpn", "en")
_RESET_FILE, _VPN_FILE = "en/accounts/reset-password.md", "en/network/vpn.md"
_BROKEN = "---\ntitle: [never closed\n---\nText.\n"


@pytest.fixture
def live(write: Write, data: Path) -> Live:
    return Live(write(ARTICLES), data, BuildSettings(model=HashEmbedder.NAME))


def _look(live: Live) -> Edition:
    found = live.look()
    assert found is not None
    return found


def test_it_finds_what_a_build_of_the_same_folder_finds(live: Live, index: Index, data: Path) -> None:
    assert live.look() is None
    index(live.source)
    built, kept = open_current(data), live.searcher.snapshot
    told = [replace(each.article, body="", version=version_of(each.article)) for each in kept.entries]
    assert told == [each.article for each in built.entries]
    assert [(each.rows, each.sections) for each in kept.entries] == [(e.rows, e.sections) for e in built.entries]
    assert list(kept.passages) == list(built.passages)
    assert kept.owner.tolist() == built.owner.tolist()
    assert (kept.languages, kept.topics) == (built.languages, built.topics)
    for encoder, other in zip(kept.encoders, built.encoders, strict=True):
        assert (encoder.vectors.rows(slice(None)) == other.vectors.rows(slice(None))).all()  # type: ignore[arg-type]
    for terms in ({"password": 1.0}, {"vpn": 2.0, "connect": 1.0}):
        assert (kept.words.scores(terms) == built.words.scores(terms)).all()
        assert (kept.units.scores(terms) == built.units.scores(terms)).all()


def test_an_edit_renders_its_article_alone_and_is_found_once_answers_caught_up(live: Live) -> None:
    before, searcher = live.edition, live.searcher
    head = searcher._readers[0].head
    path = live.source / _VPN_FILE
    path.write_text(path.read_text() + "\nThe quokka blinks three times.\n")
    now = _look(live)
    assert now.changed == {_VPN_FILE}
    assert [key for key, sheet in now.sheets.items() if sheet is not before.sheets.get(key)] == [VPN]
    assert "quokka" in now.sheets[VPN].sections[0].html
    assert live.searcher is searcher
    caught_up = live.catch_up()
    best = caught_up.rank(Query("the quokka blinks three times")).hits[0]
    assert caught_up.entry(best.article).article.key == VPN
    assert caught_up._readers[0].head is head  # no title and no question changed


def test_a_question_that_is_added_counts_for_the_head(live: Live) -> None:
    path = live.source / _VPN_FILE
    path.write_text(path.read_text().replace("questions: [", "questions: [where does the quokka live, "))
    head = live.searcher._readers[0].head
    _look(live)
    assert live.catch_up()._readers[0].head is not head
    assert "where does the quokka live" in live.edition.sheets[VPN].article.questions


@pytest.mark.parametrize("text", [_BROKEN, "", "---\nid: reset-password\n---\n"], ids=["yaml", "no text", "no body"])
def test_a_broken_file_leaves_its_last_good_version_until_it_is_mended(live: Live, text: str) -> None:
    path, good = live.source / _RESET_FILE, live.edition.sheets[RESET]
    whole = path.read_text()
    path.write_text(text)
    now = _look(live)
    assert now.sheets[RESET] is good
    assert list(now.broken) == [_RESET_FILE]
    path.write_text(whole)
    mended = _look(live)
    assert mended.broken == {}
    assert list(mended.sheets) == list(now.sheets)


def test_files_come_go_and_move(live: Live) -> None:
    (live.source / "en/network/wifi.md").write_text("# Join the wifi\n\nSelect the network.\n")
    (live.source / _VPN_FILE).rename(live.source / "en/network/connect.md")
    shutil.rmtree(live.source / "pl")
    now = _look(live)
    assert now.sheets[VPN].article.path == "en/network/connect.md"
    assert ArticleKey("network/wifi", "en") in now.sheets
    assert {key.lang for key in now.sheets} == {"en"}
    assert live.catch_up().snapshot.languages == ("en",)


def test_a_link_is_followed_anew_when_the_article_it_names_appears(live: Live) -> None:
    path = live.source / _VPN_FILE
    path.write_text(path.read_text() + "\nSee [wifi](wifi.md).\n")
    assert 'href="/en/articles/network/wifi"' not in _look(live).sheets[VPN].sections[0].html
    (live.source / "en/network/wifi.md").write_text("# Join the wifi\n\nSelect the network.\n")
    assert 'href="/en/articles/network/wifi"' in _look(live).sheets[VPN].sections[0].html


def test_a_picture_that_changed_gets_another_address_and_topics_other_names(live: Live) -> None:
    (before,) = live.searcher.snapshot.pictures
    (live.source / "pictures/steps.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>')
    (live.source / "topics.yml").write_text("accounts:\n  en: Accounts and passwords\n")
    now = _look(live)
    (after,) = live.catch_up().snapshot.pictures
    assert after != before
    assert f"/pictures/{after}" in now.sheets[RESET].sections[0].html
    assert live.searcher.snapshot.topics == {"accounts": {"en": "Accounts and passwords"}}


def test_drafts_are_shown_as_such_or_left_out(live: Live, data: Path) -> None:
    path = live.source / _VPN_FILE
    path.write_text(path.read_text().replace("id: vpn\n", "id: vpn\nstatus: draft\n"))
    assert _look(live).drafts == {_VPN_FILE}
    assert VPN in live.edition.sheets
    without = Live(live.source, data, BuildSettings(model=HashEmbedder.NAME), drafts=False)
    assert VPN not in without.edition.sheets


def test_a_folder_that_goes_away_is_told_once_and_its_articles_stay_until_it_is_back(
    live: Live, tmp_path: Path
) -> None:
    sheets = live.edition.sheets
    live.source.rename(tmp_path / "away")
    assert f"{live.source} does not exist" in _look(live).problem
    assert live.edition.sheets is sheets
    assert live.look() is None
    (tmp_path / "away").rename(live.source)
    assert _look(live).problem == ""
    for path in live.source.rglob("*.md"):
        path.unlink()
    assert "holds no article (no Markdown files)" in _look(live).problem
    with pytest.raises(SourceError, match="holds no article"):
        Live(live.source, tmp_path / "data", BuildSettings(model=HashEmbedder.NAME))


def test_nothing_is_written_but_encoders_and_vectors(live: Live, data: Path) -> None:
    path = live.source / _VPN_FILE
    path.write_text(path.read_text() + "\nMore.\n")
    _look(live)
    live.catch_up()
    assert [path.name for path in data.iterdir()] == ["cache"]
    assert {path.name for path in (data / "cache").iterdir()} == {"encoders", "vectors.db"}


def test_a_jsonl_file_is_followed_and_a_broken_line_is_told(tmp_path: Path, data: Path) -> None:
    source = tmp_path / "articles.jsonl"
    source.write_text('{"id": "vpn", "title": "VPN", "body": "Select Connect."}\n')
    live = Live(source, data, BuildSettings(model=HashEmbedder.NAME))
    source.write_text('{"id": "vpn"\n')
    assert "articles.jsonl:1" in _look(live).problem
    source.write_text('{"id": "vpn", "title": "VPN", "body": "Select Disconnect."}\n')
    assert "Disconnect" in _look(live).sheets[VPN].sections[0].html
