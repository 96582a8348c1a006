"""Settings: defaults, file, environment, and words for what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.decide import Policy
from web.settings import SettingsError, load_settings


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


def test_the_hours_of_each_tier_make_the_response_times_of_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_TIER_HOURS", "2, 4, 9")
    times = load_settings(opening_hours=["Mon-Fri 09:00-17:00"]).response_times
    assert times.allowed(3, "urgent") == timedelta(hours=2, minutes=15)
    assert times.hours.between(datetime(2026, 11, 20, 16, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC)) == (
        timedelta(hours=2)
    )


def test_origins_are_a_list_in_the_file_and_separated_by_commas_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("firstline.toml").write_text('widget_origins = ["https://a.example", "http://localhost:3000"]\n')
    assert load_settings().widget_origins == ("https://a.example", "http://localhost:3000")
    monkeypatch.setenv("FIRSTLINE_WIDGET_ORIGINS", "https://b.example, https://c.example")
    assert load_settings().widget_origins == ("https://b.example", "https://c.example")


def test_topics_have_a_name_in_each_language_and_the_first_one_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("firstline.toml").write_text('ticket_topics = ["Other", { en = "Hardware", pl = "Sprzęt" }]\n')
    other, hardware = load_settings().ticket_topics
    assert (other.stored, other.said("pl")) == ("Other", "Other")
    assert (hardware.stored, hardware.said("pl"), hardware.said("de")) == ("Hardware", "Sprzęt", "Hardware")
    monkeypatch.setenv("FIRSTLINE_TICKET_TOPICS", '[{"pl": "Sprzęt", "en": "Hardware"}]')
    monkeypatch.setenv("FIRSTLINE_DEPARTMENTS", "Sales, People")
    assert [topic.stored for topic in load_settings().ticket_topics] == ["Sprzęt"]
    assert [department.stored for department in load_settings().departments] == ["Sales", "People"]


def test_opening_hours_holidays_and_zone_make_the_hours_of_the_desk() -> None:
    Path("firstline.toml").write_text(
        'opening_hours = ["Mon-Fri 09:00-17:00"]\nholidays = [2026-12-25]\ntime_zone = "Europe/Warsaw"\n'
    )
    hours = load_settings().hours
    assert hours.opens_after(datetime(2026, 12, 24, 16, tzinfo=UTC)) == datetime(2026, 12, 28, 8, tzinfo=UTC)
    assert load_settings(opening_hours=()).hours.open_at(datetime(2026, 12, 25, tzinfo=UTC))


_PRIVATE = "spike_url: 10.0.0.7 lies in a private network; if that is meant, add it to outgoing_private_hosts"


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
        ('support_email = "help at"', "write an e-mail address such as help@example.com (found 'help at')."),
        (
            'support_phone = "call us"',
            "write a telephone number in digits, such as +48 22 123 45 67 (found 'call us').",
        ),
        ('chat_url = "javascript:alert(1)"', "write a whole address such as https://chat.example.com/support"),
        ('ticket_topics = ["a", "a"]', "ticket_topics: 'a' stands there twice; every entry needs a name of its own"),
        ("departments = [{ klingon = 'x' }]", "departments: 'klingon' is no language; use a two-letter code"),
        ("departments = [3]", 'departments: 3 is no name; write "Hardware" or { en = "Hardware", pl = "Sprzęt" }'),
        (
            'opening_hours = ["9 to 5"]',
            "opening_hours: '9 to 5' is no opening time; write days and times such as Mon-Fri",
        ),
        (
            'opening_hours = ["Foo 09:00-10:00"]',
            "'Foo 09:00-10:00': 'Foo' is no day; use Mon, Tue, Wed, Thu, Fri, Sat, Sun",
        ),
        ('opening_hours = ["Mon 22:00-06:00"]', "ends before it begins; hours over midnight are two entries"),
        ('opening_hours = ["Fri-Mon 09:00-10:00"]', "the days run backwards; write two entries"),
        ('opening_hours = ["Mon 09:60-10:00"]', "times run from 00:00 to 24:00"),
        ("tier_hours = [8, 16]", "tier_hours.2: Field required"),
        ("tier_hours = [8, 0, 40]", "tier_hours: 0 is no number of hours from 1 to 1000 (found [8, 0, 40])."),
        ('holidays = ["soon"]', "holidays.0: Input should be a valid date"),
        (
            'time_zone = "Warsaw"',
            "time_zone: is no time zone; use an IANA name such as Europe/Warsaw or UTC (found 'Warsaw').",
        ),
        ('attachment_types = ["p/ng"]', "attachment_types: 'p/ng' is no end of a file's name; write png or pdf"),
        ('rate_tickets = "many"', "rate_tickets: write a number per second, minute, hour or day, such as 20/hour"),
        ('trusted_proxies = ["nginx"]', "trusted_proxies: 'nginx' is no address; write 10.0.0.7 or a network such as"),
        (
            'handoff = "pigeon"',
            "handoff: Input should be '', 'smtp', 'webhook', 'zammad' or 'zendesk' (found 'pigeon').",
        ),
        ('handoff = "zammad"', 'handoff = "zammad" needs handoff_url, handoff_secret, handoff_group as well.'),
        ('smtp_url = "smtp://mail.example.com"', "smtp_url needs mail_from as well: the address our mail comes from."),
        ('handoff_url = "desk.example.com"', "handoff_url: write a whole address without a password, such as"),
        ('handoff_url = "http://desk.example:api"', "handoff_url: write a whole address without a password, such as"),
        ('spike_url = "http://10.0.0.7/x"\nspike_secret = "whsec_c3Bpa2VzcGlrZXNwaWtlc3Bpa2VzcGlrZQ=="', _PRIVATE),
        ('outgoing_private_hosts = ["10.0.0.7/8"]', "outgoing_private_hosts: '10.0.0.7/8' is no host; write desk"),
        ("attachment_max_mb = 0", "attachment_max_mb: Input should be greater than or equal to 1 (found 0)."),
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


@pytest.mark.parametrize("name", ["author_token", "agent_token"])
def test_a_token_of_earlier_versions_says_what_to_do_and_shows_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = f"{name}: is no setting any more. Remove it: people sign in, and a program has an API token of its own."
    Path("firstline.toml").write_text(f'{name} = "top-secret"')
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert said in str(error.value)
    assert "top-secret" not in str(error.value)
    Path("firstline.toml").unlink()
    monkeypatch.setenv(f"FIRSTLINE_{name.upper()}", "top-secret")
    with pytest.raises(SettingsError, match=f"^FIRSTLINE_{name.upper()}: is no setting any more") as error:
        load_settings()
    assert "top-secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('webhook_secret = "top-secret"', "webhook_secret: write whsec_ and 24 to 64 random bytes in base64"),
        ('smtp_url = "smtp://ann:top-secret@:x"', "smtp_url: write smtp://user:password@mail.example.com:587;"),
        ('smtp_url = "smtp://ann:top-secret@mail.example.com"', "smtp_url needs mail_from as well"),
        (
            'handoff_url = "https://ann:top-secret@desk.example"',
            "handoff_url: write a whole address without a password",
        ),
        (
            'handoff = "webhook"\nhandoff_url = "https://desk.example"\nhandoff_secret = "top-secret"',
            'handoff_secret: write whsec_ and 24 to 64 random bytes in base64; make one with: echo "whsec_',
        ),
    ],
)
def test_what_is_wrong_about_a_hand_off_is_said_without_its_secrets(text: str, words: str) -> None:
    Path("firstline.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert words in str(error.value)
    assert "top-secret" not in str(error.value)
