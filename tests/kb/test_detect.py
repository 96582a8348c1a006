from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.articles import load
from kb.detect import detect, speaks_english
from tests.conftest import PROJECT

_AMONG = ("en", "pl", "nl", "it", "ru")

_TOLD = {
    "en": ["forgot password", "help", "my printer does not print", "AADSTS50126: Error validating credentials"],
    "pl": [
        "hasło",
        "drukarka nie drukuje",
        "Outlook nie wysyła maili",
        "NIE MOGĘ SIĘ ZALOGOWAĆ",
        "Błąd 0x80070005",
        "🙂 hasło",
    ],
    "nl": ["wachtwoord", "de printer doet het niet", "OneDrive synchroniseert mijn bestanden niet"],
    "it": ["stampante", "non riesco ad accedere alla posta", "Teams non si apre"],
    "ru": ["пароль", "VPN не работает", "забыл пароль от почты"],
}


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in _TOLD.items() for text in texts])
def test_a_short_question_tells_its_language(lang: str, text: str) -> None:
    assert (detect(text, _AMONG), speaks_english(text, _AMONG)) == (lang, lang == "en")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "🙂",
        "?!",
        "VPN",
        "MFA",
        "Outlook",
        "Microsoft Teams",
        "OneDrive",
        "wifi",
        "password",
        "reset password",
        "e-mail",
        "0x80070005",
        "error 500121",
        "12345",
        "https://example.com/login",
        "jan.kowalski@example.com",
        "report-2026.xlsx",
        "\ud800",
        "\0",
    ],
)
def test_what_is_the_same_in_every_language_tells_none_and_is_left_to_english(text: str) -> None:
    assert (detect(text, _AMONG), speaks_english(text, _AMONG)) == (None, True)


@pytest.mark.parametrize(
    "text",
    ["パスワードを忘れました", "نسيت كلمة المرور", "שכחתי סיסמה", "Passwort vergessen", "J'ai oublié mon mot de passe"],
)
def test_a_language_that_no_article_has_is_none_of_those_given_and_not_english(text: str) -> None:
    assert (detect(text, _AMONG), speaks_english(text, _AMONG)) == (None, False)


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("de", "Passwort vergessen"),
        ("fr", "J'ai oublié mon mot de passe"),
        ("es", "No puedo iniciar sesión en mi cuenta"),
        ("pt", "Não consigo entrar na minha conta"),
        ("cs", "Nemohu se přihlásit k účtu"),
        ("ja", "パスワードを忘れました"),
        ("ar", "نسيت كلمة المرور"),
    ],
)
def test_any_language_the_articles_have_is_told(lang: str, text: str) -> None:
    assert detect(text, ("en", lang)) == lang


def test_english_counts_even_where_no_article_is_english() -> None:
    assert detect("I forgot my password", ("pl",)) == "en"
    assert detect("nie pamiętam hasła", ()) is None


def test_a_language_the_library_does_not_know_is_never_told_and_harms_none() -> None:
    assert detect("nie pamiętam hasła", ("rm", "xx", "pl")) == "pl"


def test_capital_letters_are_words_where_all_are_capitals() -> None:
    assert detect("MOJE HASŁO", _AMONG) == detect("moje hasło", _AMONG) == "pl"


def test_a_very_long_text_is_told_by_its_beginning() -> None:
    assert detect("drukarka nie drukuje " * 100_000, _AMONG) == "pl"
    assert detect("x" * 1_000_000, _AMONG) is None


@given(text=st.text(max_size=80) | st.text(st.characters(exclude_categories=()), max_size=80))
def test_any_text_gives_a_given_language_or_none(text: str) -> None:
    assert detect(text, _AMONG) in {*_AMONG, None}
    assert isinstance(speaks_english(text, _AMONG), bool)


def test_many_threads_get_the_same_answers() -> None:
    texts = [text for texts in _TOLD.values() for text in texts] * 50
    expected = [detect(text, _AMONG) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: detect(text, _AMONG), texts)) == expected


def test_the_questions_of_our_articles_are_told() -> None:
    # Under the other languages stand English error messages as well, which people paste as they are.
    # An English article without translations holds what people ask for it in other languages, too.
    loaded = load(PROJECT / "articles", default_lang="en").articles
    translated = {article.id for article in loaded if article.lang != "en"}
    articles = [article for article in loaded if article.id in translated]
    for lang, most_wrong in {"en": 0.01, "pl": 0.05, "nl": 0.05, "it": 0.05, "ru": 0.05}.items():
        found = [detect(text, _AMONG) for article in articles if article.lang == lang for text in article.questions]
        told = [language for language in found if language]
        assert len(told) > 0.95 * len(found) > 100
        assert sum(language != lang for language in told) < most_wrong * len(found)
