"""Settings: defaults, file, environment, and words for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert (settings.site_name, settings.data, settings.answer_at) == ("Help centre", Path("data"), 0.7)
    assert settings.database == f"sqlite:///{Path('data/firstline.db').resolve()}"


def test_the_environment_wins_over_the_file_and_an_option_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("firstline.toml").write_text('site_name = "From the file"\ndata = "file-data"\nanswer_at = 0.8\n')
    monkeypatch.setenv("FIRSTLINE_DATA", "environment-data")
    assert load_settings().site_name == "From the file"
    assert load_settings().data == Path("environment-data")
    assert load_settings(data=Path("option-data")).data == Path("option-data")


def test_origins_are_a_list_in_the_file_and_separated_by_commas_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("firstline.toml").write_text('widget_origins = ["https://a.example", "http://localhost:3000"]\n')
    assert load_settings().widget_origins == ("https://a.example", "http://localhost:3000")
    monkeypatch.setenv("FIRSTLINE_WIDGET_ORIGINS", "https://b.example, https://c.example")
    assert load_settings().widget_origins == ("https://b.example", "https://c.example")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('site_nam = "x"', "site_nam: no such setting. Known: site_name, accent_color,"),
        ('accent_color = "blue"', "accent_color: String should match pattern '^#[0-9a-fA-F]{6}$' (found 'blue')."),
        (
            'default_lang = "klingon"',
            "default_lang: use a two-letter code of ISO 639-1 such as en or pl (found 'klingon').",
        ),
        ("answer_at = 1.5", "answer_at: Input should be less than or equal to 1 (found 1.5)."),
        ("answer_at = 0.5\nsuggest_at = 0.6", "suggest_at: must not be above answer_at (found 0.6)."),
        (
            'widget_origins = ["https://a.example/page"]',
            "'https://a.example/page' is no origin; write scheme and host alone",
        ),
        ("site_name =", "firstline.toml: Invalid value"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(text: str, words: str) -> None:
    Path("firstline.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert words in str(error.value)
    assert str(error.value).startswith("firstline.toml:")


def test_a_settings_file_that_was_named_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_SETTINGS", "/nowhere/firstline.toml")
    with pytest.raises(SettingsError, match=r"^/nowhere/firstline.toml \(FIRSTLINE_SETTINGS\) does not exist\.$"):
        load_settings()


def test_a_wrong_token_setting_shows_no_secret() -> None:
    Path("firstline.toml").write_text('author_token = ["top-secret"]')
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert "top-secret" not in str(error.value)
    assert "top-secret" not in repr(Settings(author_token="top-secret"))
