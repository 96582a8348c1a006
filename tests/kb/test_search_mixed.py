"""A small base in two languages on both real encoders: which version of an article a question finds."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from kb import e5
from kb.build import BuildReport, BuildSettings, build
from kb.export import DEFAULT_MODEL
from kb.learned import LearnedQuestion
from kb.models import ArticleKey
from kb.search import Query, Searcher
from kb.snapshot import open_current, snapshots_folder
from tests.conftest import CREATED, PROJECT

_FILES = {
    "en/reset.md": "---\nid: reset\nquestions: [I forgot my password]\n---\n# Reset a forgotten password\n\n"
    "Open the password page and choose a new password.\n",
    "pl/reset.md": "---\nid: reset\nquestions: [Nie pamiętam hasła]\n---\n# Zresetuj zapomniane hasło\n\n"
    "Otwórz stronę haseł i wybierz nowe hasło.\n",
    "en/vpn.md": "---\nid: vpn\n---\n# Connect to the VPN from home\n\nOpen the VPN program and sign in.\n",
    "pl/vpn.md": "---\nid: vpn\n---\n# Połącz się z VPN z domu\n\nOtwórz program VPN i zaloguj się.\n",
    "en/printer.md": "---\nid: printer\n---\n# The printer does not print\n\nTurn the printer off and on again.\n",
    "en/wifi.md": "---\nid: wifi\n---\n# Wi-Fi is slow in the office\n\nMove nearer to the access point.\n",
    "en/laptop.md": "---\nid: laptop\n---\n# Report a lost or stolen laptop\n\nCall the security desk at once.\n",
    "pl/parking.md": "---\nid: parking\n---\n# Miejsce parkingowe pod biurem\n\n"
    "Zarezerwuj miejsce dla samochodu w recepcji najpóźniej dzień wcześniej.\n",
}


def _build(folder: Path) -> BuildReport:
    return build(folder / "articles", folder / "data", BuildSettings(), created=CREATED)


def _base(folder: Path) -> Path:
    """A folder with _FILES, and the exported encoders of this checkout; vectors are embedded anew."""
    (folder / "data" / "cache").mkdir(parents=True)
    (folder / "data" / "cache" / "encoders").symlink_to(PROJECT / "build" / "encoders", target_is_directory=True)
    for name, text in _FILES.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def base(encoder_folder: Path, multilingual_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by `first_build`; read only."""
    return _base(tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def first_build(base: Path) -> BuildReport:
    return _build(base)


@pytest.fixture(scope="module")
def searcher(base: Path, first_build: BuildReport) -> Searcher:
    return Searcher(open_current(base / "data"))


def _first(searcher: Searcher, text: str, lang: str | None = None) -> ArticleKey:
    return searcher.entry(searcher.rank(Query(text, lang=lang)).hits[0].article).article.key


# --- which article, and which version of it ------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "pl", "de", None])
@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("Zapomniałem hasła do komputera", ("reset", "pl")),
        ("Nie pamiętam hasła", ("reset", "pl")),
        ("I forgot my password", ("reset", "en")),
        ("how do I connect to the office network from home", ("vpn", "en")),
        ("Jak połączyć się z siecią firmową z domu?", ("vpn", "pl")),
    ],
)
def test_a_question_is_answered_in_its_own_language(
    searcher: Searcher, question: str, key: tuple[str, str], lang: str | None
) -> None:
    assert _first(searcher, question, lang) == key


@pytest.mark.parametrize("lang", ["en", "pl", None])
@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("Drukarka nie drukuje", ("printer", "en")),
        ("Zgubiłem służbowego laptopa", ("laptop", "en")),
        ("reserve a parking space", ("parking", "pl")),
        ("I need a parking space", ("parking", "pl")),
    ],
)
def test_an_article_that_is_not_translated_is_found_from_the_other_language(
    searcher: Searcher, question: str, key: tuple[str, str], lang: str | None
) -> None:
    assert _first(searcher, question, lang) == key


@pytest.mark.parametrize("question", ["VPN", "vpn?", "Cisco VPN"])
@pytest.mark.parametrize(("lang", "expected"), [("en", "en"), ("pl", "pl"), (None, "en"), ("de", "en")])
def test_a_name_is_answered_in_the_asker_s_language_or_in_that_of_most_articles(
    searcher: Searcher, question: str, lang: str | None, expected: str
) -> None:
    assert _first(searcher, question, lang) == ("vpn", expected)


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("Ich habe mein Passwort vergessen", "reset"),
        ("Der Drucker druckt nicht", "printer"),
        ("Mein Laptop wurde gestohlen", "laptop"),
        ("Wo kann ich mein Auto parken?", "parking"),
        ("J'ai oublié mon mot de passe", "reset"),
        ("Принтер не печатает", "printer"),
    ],
)
def test_a_question_in_a_language_without_articles_finds_the_article_all_the_same(
    searcher: Searcher, question: str, article: str
) -> None:
    ranking = searcher.rank(Query(question))
    assert searcher.entry(ranking.hits[0].article).article.id == article
    assert ranking.lang == ""


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("我忘记了密码", "reset"),
        ("打印机无法打印", "printer"),
        ("ลืมรหัสผ่าน", "reset"),
        ("เครื่องพิมพ์ไม่พิมพ์", "printer"),
        ("パスワードを忘れました", "reset"),
        ("نسيت كلمة المرور", "reset"),
    ],
)
@pytest.mark.parametrize("lang", [None, "zh", "th", "pl"])
def test_a_question_in_another_script_is_answered_rightly_or_with_little_confidence(
    searcher: Searcher, question: str, article: str, lang: str | None
) -> None:
    ranking = searcher.rank(Query(question, lang=lang))
    ids = [searcher.entry(hit.article).article.id for hit in ranking.hits]
    assert ids[:1] == [article] or ranking.confidence < 0.5
    assert len(ids) == len(set(ids))
    assert np.isfinite([ranking.confidence, *(hit.score for hit in ranking.hits)]).tolist() == [True] * (1 + len(ids))


def test_an_article_stands_in_a_ranking_once_though_two_encoders_looked(searcher: Searcher) -> None:
    for text in ("I forgot my password", "Nie pamiętam hasła", "Passwort", "VPN"):
        ids = [searcher.entry(hit.article).article.id for hit in searcher.rank(Query(text)).hits]
        assert sorted(ids) == ["laptop", "parking", "printer", "reset", "vpn", "wifi"]


# --- what was learned ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("article", ["laptop", "parking", "printer", "reset", "vpn", "wifi"])
@pytest.mark.parametrize("asked", ["The gizmo flashes amber", "Gizmo miga na bursztynowo", "Das Gizmo blinkt gelb"])
def test_a_question_learned_in_any_language_lifts_its_article_to_the_first_place_whatever_that_is_written_in(
    searcher: Searcher, asked: str, article: str
) -> None:
    taught = searcher.with_learned([LearnedQuestion("1", article, asked)])
    assert _first(taught, asked).id == article
    assert taught.with_learned([]).rank(Query(asked)) == searcher.rank(Query(asked))


def test_what_the_english_encoder_cannot_read_it_does_not_learn(searcher: Searcher) -> None:
    """English articles are weighed for an English question as if nothing had been learned in Polish."""
    taught = searcher.with_learned([LearnedQuestion("1", "wifi", "Gizmo miga na bursztynowo")])
    query = Query("The gizmo flashes amber")
    before, after = searcher.find(query), taught.find(query)
    np.testing.assert_array_equal(after.articles, before.articles)
    langs = np.array([searcher.entry(int(number)).article.lang for number in before.articles])
    np.testing.assert_array_equal(after.evidence[langs == "en"], before.evidence[langs == "en"])
    assert sorted(set(langs.tolist())) == ["en", "pl"]


# --- the snapshot ----------------------------------------------------------------------------------------------------


def test_the_snapshot_holds_both_encoders_and_opens_without_their_sources(
    base: Path, first_build: BuildReport, tmp_path: Path
) -> None:
    snapshot_id = first_build.snapshot
    shutil.copytree(snapshots_folder(base / "data") / snapshot_id, tmp_path / "snapshots" / snapshot_id)
    shutil.copy(base / "data" / "current", tmp_path / "current")
    snapshot = open_current(tmp_path)
    assert [encoded.embedder.name for encoded in snapshot.encoders] == [DEFAULT_MODEL, e5.NAME]
    assert [encoded.embedder.languages for encoded in snapshot.encoders] == [("en",), ()]
    assert snapshot.manifest["inputs"]["encoders"].split() == [e.embedder.fingerprint for e in snapshot.encoders]
    assert _first(Searcher(snapshot), "Nie pamiętam hasła") == ("reset", "pl")


def test_an_encoder_has_rows_of_zeros_for_the_languages_it_does_not_read(searcher: Searcher) -> None:
    snapshot = searcher.snapshot
    polish = np.array([snapshot.entries[owner].article.lang == "pl" for owner in snapshot.owner])
    lengths = [
        np.linalg.norm(encoded.vectors.rows(np.arange(len(polish))), axis=1).round(4) for encoded in snapshot.encoders
    ]
    np.testing.assert_array_equal(lengths[0], np.where(polish, 0.0, 1.0))
    np.testing.assert_array_equal(lengths[1], np.ones(len(polish)))


def test_only_texts_not_read_before_are_read_and_each_by_the_encoders_of_its_language(
    base: Path, first_build: BuildReport, tmp_path: Path
) -> None:
    snapshot = open_current(base / "data")
    texts = {
        (passage.embedded, snapshot.entries[owner].article.lang)
        for passage, owner in zip(snapshot.passages, snapshot.owner, strict=True)
    }
    langs = [lang for _, lang in texts]
    assert first_build.embedded == 2 * langs.count("en") + langs.count("pl")

    folder = _base(tmp_path)
    shutil.copy(base / "data" / "cache" / "vectors.db", folder / "data" / "cache")
    (folder / "articles/pl/wifi.md").write_text("---\nid: wifi\n---\n# Wolne Wi-Fi\n\nPodejdź bliżej.\n")
    (folder / "articles/en/canteen.md").write_text("---\nid: canteen\n---\n# Canteen\n\nPay with the badge.\n")
    assert _build(folder).embedded == 2 + 2 * 2
