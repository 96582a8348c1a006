from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.marks import Wanted


def _marked(text: str, wanted: Wanted, lang: str = "en") -> str:
    for start, end in reversed(wanted.marks(text, lang)):
        text = f"{text[:start]}[{text[start:end]}]{text[end:]}"
    return text


@pytest.mark.parametrize(
    ("question", "lang", "text", "marked"),
    [
        ("printing", "en", "Prints: the printer printed.", "[Prints]: the printer [printed]."),
        ("how do I reset my password", "en", "How to reset your password", "How to [reset] your [password]"),
        ("hasła", "pl", "Zmień hasło. HASŁEM!", "Zmień [hasło]. [HASŁEM]!"),
        ("e-mail", "en", "An e-mail, an email.", "An [e-mail], an [email]."),
        ("wifi", "en", "The Wi-Fi password", "The [Wi-Fi] password"),
        ("naive cafe", "fr", "Un café naïf", "Un [café] naïf"),
        ("接続", "ja", "VPNに接続できない", "VPNに[接続]できない"),
        ("<b> & co", "en", "a <b> tag", "a <b> tag"),
        ("the of and", "en", "the end of the line", "the end of the line"),
        (
            "nie dostaję maili",
            "pl",
            "Telefon ma pokazywać maile. Nie ma maili.",
            "Telefon ma pokazywać maile. Nie ma [maili].",
        ),
        ("0x80070005", "en", "Error 0x80070005 😀", "Error [0x80070005] 😀"),
    ],
)
def test_words_with_the_stem_of_a_word_of_the_question_are_marked(
    question: str, lang: str, text: str, marked: str
) -> None:
    assert _marked(text, Wanted(question), lang) == marked


def test_beginnings_and_whole_words_are_marked_as_they_were_typed() -> None:
    assert _marked("Password rules pass", Wanted("", ["pass"])) == "[Password] rules [pass]"
    assert _marked("Password rules", Wanted("", [], ["rules"])) == "Password [rules]"
    assert _marked("パスワードを忘れた", Wanted("", ["ワード"]), "ja") == "パス[ワード]を忘れた"


def test_an_excerpt_begins_with_the_sentence_that_has_most_of_the_words() -> None:
    text = "Filler stands here. " * 30 + "Reset the gateway twice. Then wait. " + "More filler. " * 30
    excerpt = Wanted("reset gateway").excerpt(text, "en", 60)
    assert excerpt.text == "Reset the gateway twice. Then wait. More filler. More…"
    assert [excerpt.text[start:end] for start, end in excerpt.marks] == ["Reset", "gateway"]


def test_an_excerpt_of_a_long_sentence_begins_with_a_word() -> None:
    excerpt = Wanted("gateway").excerpt("word " * 100 + "gateway " + "word " * 100, "en", 80)
    assert excerpt.text.startswith("…word ")
    assert [excerpt.text[start:end] for start, end in excerpt.marks] == ["gateway"]


def test_without_wanted_words_an_excerpt_is_the_first_ones() -> None:
    assert Wanted("zebra").excerpt("word, " * 100, "en", 20).text == "word, word, word…"


@given(st.text(max_size=400), st.text(max_size=60), st.integers(5, 120), st.sampled_from(["en", "pl", "ja", ""]))
def test_marks_lie_in_order_within_the_excerpt(text: str, question: str, length: int, lang: str) -> None:
    line = " ".join(f"{text} {question} {text}".split())
    excerpt = Wanted(question, [question.casefold()] if question.strip() else []).excerpt(line, lang, length)
    assert len(excerpt.text) <= length + 2
    assert excerpt.text.strip("…") in line
    ends = [0, *(position for mark in excerpt.marks for position in mark), len(excerpt.text)]
    assert ends == sorted(ends)
