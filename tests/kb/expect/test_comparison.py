"""What a change of articles does to their questions."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.expect import Comparison, Outcome, Run, compare
from kb.expect.junit import junit
from kb.expect.outcomes import Contents, Rival, nothing
from kb.expect.renames import with_later_names
from kb.expect.report import comparison_lines, mend, run_lines, visible
from kb.models import ArticleKey, Skipped
from tests.kb.expect.desk import MAIL, THIEF, VPN, asked, parsed, written

BOTH = {"en/mail.md": MAIL, "en/vpn.md": VPN}


def _shown(path: str) -> str:
    return f"articles/{path}"


def _text(comparison: Comparison, run: Run) -> str:
    return "\n".join(comparison_lines(comparison, run, "main", _shown))


# --- real rankings ---------------------------------------------------------------------------------------------------


def test_a_new_article_that_takes_questions_is_named_with_its_own_questions_and_its_victims(tmp_path: Path) -> None:
    before = asked(written(tmp_path / "a", BOTH), tmp_path / "data")
    after = asked(written(tmp_path / "b", {**BOTH, "en/thief.md": THIEF}), tmp_path / "data")
    comparison = compare(before, after)

    assert comparison.failed
    assert {theft.victim.after.text for theft in comparison.stolen} == {
        "my mailbox is full",
        "vpn tunnel does not connect",
    }
    assert {(theft.thief.path, theft.thief.how, theft.thief.questions) for theft in comparison.stolen} == {
        ("en/thief.md", "new", ("my mailbox is full today", "the vpn tunnel does not connect"))
    }
    lines = _text(comparison, after).splitlines()
    assert lines[0] == "articles/en/thief.md “mailbox is full” (new) takes 2 questions:"
    assert lines[1] == "  articles/en/mail.md:5: “my mailbox is full”: 1st → 2nd"


def test_articles_that_say_the_same_make_no_difference(tmp_path: Path) -> None:
    before = asked(written(tmp_path / "a", BOTH), tmp_path / "data")
    after = asked(written(tmp_path / "b", BOTH), tmp_path / "data")
    comparison = compare(before, after)
    assert (comparison.empty, comparison.failed) == (True, False)
    assert _text(comparison, after).endswith("Against main: no difference\nPasses")


def test_an_article_that_is_only_moved_to_another_file_is_no_difference(tmp_path: Path) -> None:
    before = asked(written(tmp_path / "a", BOTH), tmp_path / "data")
    after = asked(written(tmp_path / "b", {"en/post.md": MAIL, "en/vpn.md": VPN}), tmp_path / "data")
    assert compare(before, after).empty


def test_what_an_article_loses_by_its_own_change_is_worse_and_not_stolen(tmp_path: Path) -> None:
    mail = MAIL.replace("Mailbox is full", "Letters").replace("Empty the mailbox", "Write")
    other = "---\nid: other\ntitle: Full mailbox of a team\n---\nWait.\n"
    before = asked(written(tmp_path / "a", {**BOTH, "en/other.md": other}), tmp_path / "data")
    after = asked(written(tmp_path / "b", {**BOTH, "en/other.md": other, "en/mail.md": mail}), tmp_path / "data")
    comparison = compare(before, after)
    assert [pair.after.text for pair in comparison.worse] == ["my mailbox is full"]
    assert comparison.stolen == ()
    assert comparison.failed


def test_what_failed_before_is_listed_and_does_not_fail_again(tmp_path: Path) -> None:
    files = {"en/mail.md": MAIL.replace("my mailbox is full", "vpn tunnel"), "en/vpn.md": VPN}
    before = asked(written(tmp_path / "a", files), tmp_path / "data")
    after = asked(written(tmp_path / "b", {**files, "en/vpn.md": VPN.replace("Start", "Now start")}), tmp_path / "data")
    comparison = compare(before, after)
    assert [pair.after.text for pair in comparison.still_failing] == ["vpn tunnel"]
    assert not comparison.failed
    assert "vpn tunnel" not in _text(comparison, after)  # it is told where its own article is changed
    changed = {**files, "en/mail.md": files["en/mail.md"].replace("Empty", "Now empty")}
    own = asked(written(tmp_path / "c", changed), tmp_path / "data")
    assert "fail still, of articles that are changed:\n  articles/en/mail.md:5: “vpn tunnel”: 2nd" in _text(
        compare(before, own), own
    )


def _tipping(passed: bool, other: str) -> Run:
    """A question of `a` that `b` stands before or not; `c` says `other`."""
    place, above = (1, ()) if passed else (2, ("b",))
    outcome = Outcome(ArticleKey("a", "en"), "a.md", 3, "question", "x", place, passed, 0.5, above)
    words = {"a": "1", "b": "1", "c": other}
    return Run("s", 1, (outcome,), {ArticleKey(i, "en"): Contents(f"{i}.md", "t", (), w) for i, w in words.items()})


def test_a_question_that_tips_over_by_no_change_of_either_article_is_told_and_does_not_fail() -> None:
    comparison = compare(_tipping(True, "1"), _tipping(False, "2"))
    assert [pair.after.text for pair in comparison.tipped] == ["x"]
    assert (comparison.worse, comparison.stolen, comparison.failed) == ((), (), False)
    lines = _text(comparison, _tipping(False, "2")).splitlines()
    assert lines[1] == "  articles/a.md:3: “x”: 1st → 2nd"
    assert lines[-1] == "Passes"
    assert [case[0].tag for case in parsed(junit(_tipping(False, "2"), _shown, comparison)).iter("testcase")] == [
        "skipped"
    ]


def test_a_file_without_an_id_that_is_renamed_and_edited_is_the_same_article(tmp_path: Path) -> None:
    mail, vpn = (text.replace("id: mail\n", "").replace("id: vpn\n", "") for text in (MAIL, VPN))
    before = asked(written(tmp_path / "a", {"en/mail.md": mail, "en/vpn.md": vpn}), tmp_path / "data")
    edited = {"en/post.md": mail.replace("Empty", "Now empty"), "en/line.md": vpn}
    after = asked(written(tmp_path / "b", edited), tmp_path / "data")
    assert compare(before, after).empty


def test_a_folder_that_is_moved_as_a_whole_is_compared_in_no_time() -> None:
    def run(folder: str) -> Run:
        articles = {
            ArticleKey(f"{folder}/{n}", "en"): Contents(f"{folder}/{n}.md", f"{n}", (f"question {n}",), f"{folder} {n}")
            for n in range(2_000)
        }
        return Run("", 1, (), articles)

    began = time.process_time()
    renamed = with_later_names(run("old"), run("new"))
    assert time.process_time() - began < 2.0  # all with all are four million pairs
    assert {contents.path: key.id for key, contents in renamed.articles.items()}["old/17.md"] == "new/17"


def test_a_question_that_moved_to_another_article_is_told_once_with_where_it_was(tmp_path: Path) -> None:
    both = MAIL.replace("---\nEmpty", "  - tunnel down\n---\nEmpty")
    before = asked(written(tmp_path / "a", {"en/mail.md": both, "en/vpn.md": VPN}), tmp_path / "data")
    moved = VPN.replace("---\nStart", "  - tunnel down\n---\nStart")
    after = asked(written(tmp_path / "b", {"en/mail.md": MAIL, "en/vpn.md": moved}), tmp_path / "data")
    text = _text(compare(before, after), after)
    assert "New, and passing:\n  articles/en/vpn.md:6: “tunnel down”, which was in articles/en/mail.md\n" in text
    assert "Removed" not in text


def test_against_no_articles_everything_is_new_and_has_to_pass(tmp_path: Path) -> None:
    good = asked(written(tmp_path / "a", BOTH), tmp_path / "data")
    comparison = compare(nothing(1), good)
    assert (len(comparison.new), comparison.failed) == (2, False)

    bad = asked(written(tmp_path / "a", {"en/mail.md": MAIL.replace("my mailbox is full", "vpn")}), tmp_path / "data")
    assert [outcome.text for outcome in compare(nothing(1), bad).new_failing] == ["vpn"]


def test_a_not_for_that_a_change_breaks_fails(tmp_path: Path) -> None:
    guarded = MAIL.replace("---\nEmpty", "not_for: [tunnel]\n---\nEmpty")
    before = asked(written(tmp_path / "a", {"en/mail.md": guarded, "en/vpn.md": VPN}), tmp_path / "data")
    drawn = guarded.replace("Empty", "tunnel tunnel").replace("Mailbox is full", "Mailbox tunnel")
    plain = VPN.replace("tunnel", "line")
    after = asked(written(tmp_path / "b", {"en/mail.md": drawn, "en/vpn.md": plain}), tmp_path / "data")
    comparison = compare(before, after)
    assert [(pair.after.kind, pair.after.text) for pair in comparison.worse] == [("not_for", "tunnel")]


def test_runs_with_different_k_are_not_compared() -> None:
    with pytest.raises(ValueError, match="k = 1 and k = 2"):
        compare(nothing(1), nothing(2))


# --- any two runs ----------------------------------------------------------------------------------------------------

_KEYS = [ArticleKey("a", "en"), ArticleKey("b", "en"), ArticleKey("a", "pl")]


@st.composite
def _runs(draw: st.DrawFn) -> Run:
    names = draw(st.sets(st.tuples(st.sampled_from(_KEYS), st.sampled_from("xyz")), max_size=6))
    outcomes = []
    for key, text in sorted(names):
        rank = draw(st.integers(0, 3))
        above = tuple("bcd"[: rank - 1 if rank else 3])
        outcomes.append(Outcome(key, f"{key.id}.md", 1, "question", text, rank, rank == 1, 0.5, above))
    articles = {
        key: Contents(f"{key.id}.md", "t", (), draw(st.sampled_from("12")))
        for key in [*_KEYS, ArticleKey("c", "en"), ArticleKey("d", "en")]
    }
    broken = draw(st.sets(st.sampled_from(["p.md", "q.md"])))
    return Run("s", 1, tuple(outcomes), articles, tuple(Skipped(path, "empty") for path in sorted(broken)))


def _names(outcomes: list[Outcome]) -> list[object]:
    return sorted(outcome.name for outcome in outcomes)


@given(_runs(), _runs())
def test_what_one_direction_breaks_the_other_mends(one: Run, other: Run) -> None:
    there, back = compare(one, other), compare(other, one)

    def lost(comparison: Comparison) -> list[object]:
        pairs = [*comparison.worse, *comparison.tipped, *(theft.victim for theft in comparison.stolen)]
        return _names([pair.after for pair in pairs])

    assert lost(there) == _names([pair.after for pair in back.better])
    assert lost(back) == _names([pair.after for pair in there.better])
    assert [outcome.name for outcome in there.new] == [outcome.name for outcome in back.removed]
    assert _names([p.after for p in there.still_failing]) == _names([p.after for p in back.still_failing])
    assert _names([p.after for p in there.moved]) == _names([p.after for p in back.moved])
    assert {one.path for one in there.untested}.isdisjoint(one.path for one in back.untested)


@given(_runs())
def test_a_run_does_not_differ_from_itself(run: Run) -> None:
    assert compare(run, run).empty


# --- as text and as XML ----------------------------------------------------------------------------------------------


def test_a_clash_and_a_contradiction_name_the_line_with_the_same_words(tmp_path: Path) -> None:
    twice = VPN.replace("---\nStart", "  - my mailbox is full\n---\nStart")
    guarded = MAIL.replace("---\nEmpty", "not_for: [My mailbox is full]\n---\nEmpty")
    run = asked(written(tmp_path / "a", {"en/mail.md": guarded, "en/vpn.md": twice}), tmp_path / "data")
    fixes = {outcome.path: mend(outcome, _shown) for outcome in run.failures if outcome.text != "My mailbox is full"}
    assert fixes["en/vpn.md"] == (
        "articles/en/mail.md:5 has the same words as a question. Keep them in the article that answers them."
    )
    (contradiction,) = (outcome for outcome in run.outcomes if outcome.kind == "not_for")
    assert mend(contradiction, _shown) == (
        "articles/en/mail.md:5 has the same words as a question. Remove them there, or here."
    )


HOSTILE = "]]></failure><x> \x1b[31m \x00 & “\u202e” \ud800 \ufffe"


def _hostile(passed: bool = False) -> Outcome:
    key = ArticleKey(HOSTILE, "en")
    rival = Rival(key, HOSTILE, HOSTILE, "title", HOSTILE)
    return Outcome(key, f"{HOSTILE}.md", 3, "question", HOSTILE, 2, passed, 0.5, ("x",), rival)


def test_junit_has_a_suite_an_article_with_counts_files_and_lines(tmp_path: Path) -> None:
    files = {**BOTH, "en/mail.md": MAIL.replace("my mailbox is full", "vpn"), "en/z.md": '---\ntitle: "x\n---\nText.\n'}
    run = asked(written(tmp_path / "a", files), tmp_path / "data")
    root = parsed(junit(run, _shown))

    assert root.attrib == {"name": "firstline test", "tests": "3", "failures": "1", "errors": "1"}
    assert [suite.get("name") for suite in root] == ["mail (en)", "vpn (en)", "articles/en/z.md"]
    case = root[0][0]
    assert (case.get("name"), case.get("file"), case.get("line")) == ("vpn", "articles/en/mail.md", "5")
    assert case[0].tag == "failure"
    assert "first: articles/en/vpn.md “Connect the vpn tunnel”" in (case[0].text or "")


def test_junit_skips_what_failed_before_unless_it_is_strict() -> None:
    run = Run("s", 1, (_hostile(),), {})
    same = compare(run, run)
    assert [case[0].tag for case in parsed(junit(run, _shown, same)).iter("testcase")] == ["skipped"]
    strict = parsed(junit(run, _shown, same, strict=True))
    assert [case[0].tag for case in strict.iter("testcase")] == ["failure"]


def test_whatever_an_author_typed_is_text_in_the_xml_and_on_the_terminal() -> None:
    run = Run("s", 1, (_hostile(),), {}, (Skipped(HOSTILE, "empty", HOSTILE),))
    root = parsed(junit(run, _shown))
    assert [case.get("name") for case in root.iter("testcase")] == [visible(HOSTILE), "its questions"]
    printed = "\n".join([*run_lines(run, _shown), *comparison_lines(compare(nothing(1), run), run, "x", _shown)])
    assert not set(printed) & set("\x1b\x00\u202e\ud800")


@given(st.text(st.characters(categories=["L", "Cc", "Cf", "Cs", "Co", "Cn", "P"])))
def test_any_text_makes_xml_that_parses(text: str) -> None:
    key = ArticleKey(text, "en")
    run = Run("s", 1, (Outcome(key, text, 1, "question", text, 0, False, 0.0, ()),), {})
    parsed(junit(run, lambda path: path))
