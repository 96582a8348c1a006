from __future__ import annotations

from collections import Counter

from kb.detect import detect
from kb.foreign import questions

_LANGUAGES = ["en", "pl", "nl", "it", "ru", "de", "fr", "es", "pt"]


def test_there_are_questions_in_nine_languages_each_about_at_least_twenty_subjects() -> None:
    subjects = {lang: {q.subject for q in questions() if q.lang == lang} for lang in _LANGUAGES}
    assert {q.lang for q in questions()} == set(_LANGUAGES)
    assert {lang: len(named) for lang, named in subjects.items() if len(named) < 20} == {}


def test_every_language_has_questions_about_the_same_subjects() -> None:
    subjects = {lang: frozenset(q.subject for q in questions() if q.lang == lang) for lang in _LANGUAGES}
    assert len(set(subjects.values())) == 1


def test_no_question_stands_there_twice_in_a_language_whatever_its_case_and_spaces() -> None:
    counts = Counter((q.lang, " ".join(q.text.casefold().split())) for q in questions())
    assert [key for key, count in counts.items() if count > 1] == []


def test_every_question_is_one_line_of_text_about_a_subject() -> None:
    odd = [q for q in questions() if not q.subject or not q.text or q.text != " ".join(q.text.split())]
    assert odd == []


def test_they_stand_by_language_then_by_subject() -> None:
    order = list(dict.fromkeys(q.lang for q in questions()))
    assert [q.lang for q in questions()] == sorted((q.lang for q in questions()), key=order.index)
    for lang in _LANGUAGES:
        named = [q.subject for q in questions() if q.lang == lang]
        runs = [a for a, b in zip(named, [*named[1:], None], strict=True) if a != b]
        assert len(runs) == len(set(runs))


def test_the_file_is_read_once() -> None:
    assert questions() is questions()


def test_a_question_is_written_in_the_language_it_is_filed_under() -> None:
    told = [(q, detect(q.text, _LANGUAGES)) for q in questions()]
    wrong = [q for q, lang in told if lang not in (q.lang, None)]
    assert len(wrong) < 0.05 * len(told)
