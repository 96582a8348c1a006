"""Settings: defaults, file, environment, and words for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.decide import Policy
from web.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert (settings.site_name, settings.data) == ("", Path("data"))
    assert settings.policy == Policy(cost_wrong=7.0, cost_missed=3.0)
    assert settings.database == f"sqlite:///{Path('data/firstline.db').resolve()}"


def test_the_environment_wins_over_the_file_and_an_option_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("firstline.toml").write_text('site_name = "From the file"\ndata = "file-data"\ncost_wrong = 9\n')
    monkeypatch.setenv("FIRSTLINE_DATA", "environment-data")
    assert load_settings().site_name == "From the file"
    assert load_settings().policy == Policy(cost_wrong=9.0, cost_missed=3.0)
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
        ("cost_wrong = 0", "cost_wrong: Input should be greater than 0 (found 0)."),
        ("cost_missed = -3", "cost_missed: Input should be greater than 0 (found -3)."),
        ("cost_missed = nan", "cost_missed: Input should be a finite number (found nan)."),
        ("cost_wrong = inf", "cost_wrong: Input should be a finite number (found inf)."),
        ("cost_wrong = 1e7", "cost_wrong: Input should be less than or equal to 1000000 (found 10000000.0)."),
        (
            "answer_at = 0.8",
            "answer_at: is now two costs. Write cost_wrong and cost_missed instead; an article is the answer from a "
            "confidence of cost_wrong / (cost_wrong + cost_missed), so answer_at = 0.7 is cost_wrong = 7 and "
            "cost_missed = 3 (found 0.8).",
        ),
        ("suggest_at = 0.3", "suggest_at: is now two costs. Remove it;"),
        (
            'widget_origins = ["https://a.example/page"]',
            "'https://a.example/page' is no origin; write scheme and host alone",
        ),
        (
            'base_url = "help.example.com"',
            "base_url: write scheme and host alone: https://help.example.com (found 'help.example.com').",
        ),
        (
            'logo = "logo.gif"',
            "logo: use a picture that ends in .svg, .png, .jpg, .jpeg, .webp (found 'logo.gif').",
        ),
        (
            'logo = "logo.svg"',
            "logo: there is no such file; give its path from the folder that Firstline is started in",
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


def test_a_variable_of_an_earlier_version_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_ANSWER_AT", "0.8")
    with pytest.raises(SettingsError, match=r"^FIRSTLINE_ANSWER_AT: is now two costs\. .* \(found '0\.8'\)\.$"):
        load_settings()


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
