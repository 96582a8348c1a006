from __future__ import annotations

from collections.abc import Callable
from string import ascii_lowercase, digits

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench import masking
from bot.identity import ID, IP, MAC
from bot.privacy import ACCOUNT, CARD, EMAIL, MASKS, PHONE, mask
from bot.said import CODE, NAME, PASSWORD, TOKEN

#: An account number of each shape: all digits, with the bank's letters, the shortest, the longest.
IBANS = (
    "DE89370400440532013000",
    "PL61109010140000071219812874",
    "GB29NWBK60161331926819",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
    "RU0204452560040702810412345678901",
)


def in_fours(iban: str) -> str:
    return " ".join(iban[n : n + 4] for n in range(0, len(iban), 4))


# --- what is masked ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Mail anna.nowak+it@example.co.uk, please.", f"Mail {EMAIL}, please."),
        ("ANNA@EXAMPLE.COM", EMAIL),
        ("<anna@example.com>", f"<{EMAIL}>"),
        ("o'brien@example.com", EMAIL),
        ("почта@пример.рф", EMAIL),
        ("mailto:anna@example.com?subject=x", f"mailto:{EMAIL}?subject=x"),
        ("https://example.com/in?login=anna%40example.com&x=1", f"https://example.com/in?login={EMAIL}&x=1"),
        ("anna@example.com_bob@example.org", EMAIL),
        ("a" * 70 + "@example.com", EMAIL),
    ],
)
def test_email_addresses_are_masked(written: str, kept: str) -> None:
    assert mask(written) == kept


@pytest.mark.parametrize(
    "number",
    [
        "+48 501 234 567",
        "+48501234567",
        "0048501234567",
        "(020) 7946 0958",
        "501-234-567",
        "501 - 234 - 567",
        "501 234 567",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "0475/12.34.56",
        "0475.12.34.56",
        "0475 12.34.56",
        "555.123.4567",
        "1.800.555.1234",
        "06\u202f12\u202f34\u202f56\u202f78",
        "501\u2013234\u2013567",
        "0123456789",
    ],
)
def test_phone_numbers_are_masked(number: str) -> None:
    assert mask(f"Call {number} today") == f"Call {PHONE} today"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("tel.0123456789", f"tel.{PHONE}"),
        ("Tel:0123456789.", f"Tel:{PHONE}."),
        ("call me,0123456789", f"call me,{PHONE}"),
        ("0123456789,0987654321", f"{PHONE},{PHONE}"),
        ("0123456789- and", f"{PHONE}- and"),
        ("\u202d+48501234567\u202c", f"\u202d{PHONE}\u202c"),
        ("电话013800138000请", f"电话{PHONE}请"),
        ("は090-1234-5678です", f"は{PHONE}です"),
        ("010-1234-5678로", f"{PHONE}로"),
        ("٠١٢٣٤٥٦٧٨٩٠", ACCOUNT),
    ],
)
def test_a_number_is_masked_whatever_stands_beside_it(written: str, kept: str) -> None:
    assert mask(written) == kept


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "378282246310005",
        "3782 822463 10005",
        "6304000000000000000",
    ],
)
def test_card_numbers_are_told_by_their_check_digit(number: str) -> None:
    assert mask(f"card {number}, thanks") == f"card {CARD}, thanks"


def test_sixteen_digits_with_a_wrong_check_digit_are_masked_all_the_same() -> None:
    assert mask("4111 1111 1111 1112") == ACCOUNT


@pytest.mark.parametrize("iban", IBANS)
@pytest.mark.parametrize("write", [str, str.lower, in_fours, lambda iban: in_fours(iban).replace(" ", "\u00a0")])
def test_account_numbers_are_masked_also_before_short_words(iban: str, write: Callable[[str], str]) -> None:
    assert mask(f"It is {write(iban)} is my one") == f"It is {ACCOUNT} is my one"


@pytest.mark.parametrize(
    "number",
    ["61109010140000071219812874", "61 1090 1014 0000 0712 1981 2874", "12345678901234", "7" * 24, "7" * 5_000],
)
def test_long_runs_of_digits_are_masked_however_long(number: str) -> None:
    assert mask(f"account {number} please") == f"account {ACCOUNT} please"


def test_several_in_one_text_are_each_masked() -> None:
    text = "I am anna@example.com, 501 234 567; pay 4111 1111 1111 1111 to DE89370400440532013000."

    assert mask(text) == f"I am {EMAIL}, {PHONE}; pay {CARD} to {ACCOUNT}."


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("my password is Winter2025!, why", f"my password is {PASSWORD}, why"),
        ("Passwort: „Sommer#24“", f"Passwort: „{PASSWORD}“"),
        ("the verification code 482913 expired", f"the verification code {CODE} expired"),
        ("код подтверждения: 482 913", f"код подтверждения: {CODE}"),
        ("token ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8!", f"token {TOKEN}!"),
        ("key ABCDE-12345-FGHIJ-67890-KLMNO", f"key {TOKEN}"),
        ("https://a.example/reset?token=9f8a7c6b5e4d3c2b&x=1", f"https://a.example/reset?token={TOKEN}&x=1"),
        ("https://bob:Orchid77@a.example/", f"https://{PASSWORD}@a.example/"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY----- ok", f"{TOKEN} ok"),
        ("from 81.143.22.107:443", f"from {IP}:443"),
        ("2a00:23c7:8a01:4b01:d0c1:77ff:fe21:9e02", IP),
        ("MAC 00-1A-2B-3C-4D-5E", f"MAC {MAC}"),
        ("mój PESEL to 44051401359", f"mój PESEL to {ID}"),
        ("RSSMRA85T10A562S", ID),
        ("DNI 12345678Z", f"DNI {ID}"),
        ("my name is Ann Lee-Oakes and", f"my name is {NAME} and"),
        ("Kind regards,\nDr. Jan van den Berg\n", f"Kind regards,\n{NAME}\n"),
    ],
)
def test_secrets_ids_addresses_and_names_are_masked(written: str, kept: str) -> None:
    assert mask(written) == kept


@pytest.mark.parametrize("lang", masking.LANGUAGES)
def test_no_less_is_found_of_the_corpus_than_the_documentation_says_and_nothing_else_is_masked(lang: str) -> None:
    for part in masking.PARTS:
        figures = masking.of((lang,), part)
        assert (figures.there.total() >= 30, figures.clean, figures.spoiled) == (True, 20, 0)
        assert figures.recall >= 0.95
        assert figures.precision == 1.0


# --- what stays --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        # error codes, updates, tickets, devices
        "Error 0x80070005",
        "stop code 0x0000007E",
        "error -2147024891",
        "AADSTS50126: invalid",
        "KB5034441 fails",
        "KB 5034441 fails",
        "kb 5034441",
        "ticket #1234567",
        "INC0012345",
        "550 5.7.708 Service unavailable",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        # dates and times
        "2026-11-21",
        "21.11.2026",
        "21/11/2026, 10:30",
        "2026.11.21",
        "2026-11-21 10:00:00.123456 failed",
        "2026-11-21T10:00:00+02:00",
        "10:00:00,123 INFO",
        "room 12 2026-11-21",
        "日付2026-11-21です",
        "2025-2026",
        "from 2025 - 2026 on",
        "2024–2026",
        # versions
        "Windows 10 10.0.19045.3803",
        "Windows 11 22631.3447",
        "OS Build 22631.3447",
        "Outlook 365 16.0.17328.20162",
        "v10.0.19045.3803",
        "Chrome 123.0.6312.86",
        "iOS 17.4.1 and macOS 14.4 (23E224)",
        "Server 2016/2019",
        # addresses
        "192.168.178.1",
        "10.0.0.1:8080",
        "10.0.0.0/24 and 192.168.100.0/24",
        "fe80::1234:5678",
        "8.8.8.8",
        # what passwords and codes are said to be like
        "the password is wrong",
        "Password: 12 characters or more",
        "my password for Outlook365 has expired",
        "spf=pass header.i=@sub.example",
        "PIN since 2024",
        "https://example.com/?code=404",
        "order 4500123456 and bug 1827364",
        "1 048 576 bytes of 10 000 000",
        # other numbers
        "1920x1080",
        "1,234,567 bytes",
        "3.14159265",
        "room 4.12, 3rd floor, 120 people, 99%",
        "@anna, see user@host",
    ],
)
def test_what_a_question_is_about_stays(text: str) -> None:
    assert mask(text) == text


# --- for any text ------------------------------------------------------------------------------------------------

_FRAGMENTS = st.sampled_from(
    (
        *(
            "1",
            "12",
            "0",
            "06",
            "1234567",
            "+",
            "00",
            "(",
            ")",
            " ",
            "  ",
            ".",
            "-",
            "/",
            ",",
            "@",
            "%40",
            "#",
            "_",
            ":",
        ),
        *("a", "é", "b.co", "x@y.zz", "KB ", "DE89370400440532013000", in_fours(IBANS[2]), "2026-11-21", "10:00"),
        *("10.0.0.1", "–", "\u00a0", "请", "\n", "'", "[", "]", "2016/2019", "5.7.708", "1.1", "²", "\u0661"),
        *(
            "password: ",
            "Passwort ist ",
            "hasło to ",
            "Abc#1234",
            "PIN ",
            "code ",
            "my name is ",
            "Anna Nowak",
            "and",
            "=",
        ),
        *(
            "?token=",
            "/reset/",
            "a1b2c3d4e5f6a7b8c9d0",
            "://",
            "AKIAIOSFODNN7QRSTUVW",
            "Regards, ",
            "Bearer ",
            "::",
            "PESEL ",
        ),
        *("81.143.22.107", "3C:52:82:6F:11:AB", "12345678Z", *MASKS),
        *("\u212a\u212a11", "\u017f\u017f11", "22631.3447", PHONE, EMAIL),
    )
)
_TEXTS = st.lists(_FRAGMENTS, max_size=14).map("".join) | st.text()


@given(_TEXTS)
@example("请2016/2019@b.co\u0661%40DE89370400440532013000b.co:06")
@example("\u212a\u212a11 AAAA AAAA AAAA AAAA")
def test_a_masked_text_stays_as_it_is_when_masked_again(text: str) -> None:
    masked = mask(text)

    assert mask(masked) == masked


@given(st.text(st.characters(exclude_categories=("Nd",), exclude_characters="@")))
def test_a_text_without_digits_and_at_signs_is_unchanged(text: str) -> None:
    assert mask(text) == text


@given(
    before=st.text(st.sampled_from("ab \n,;:<(請"), max_size=5),
    local=st.text(st.sampled_from(ascii_lowercase + digits + "._+-"), min_size=1, max_size=64),
    domain=st.from_regex(r"(?:[a-z0-9][a-z0-9-]{0,20}\.){1,3}[a-z]{2,12}", fullmatch=True),
    after=st.text(st.sampled_from("ab \n,;:>)."), max_size=5),
)
def test_no_email_address_is_left_in_any_text(before: str, local: str, domain: str, after: str) -> None:
    assert "@" not in mask(f"{before}{local}@{domain}{after}")


@given(
    before=st.sampled_from(["", "a ", "tel.", "Tel: ", "(", "a, ", "1 ", "，"]),
    number=st.lists(st.text(digits, min_size=1, max_size=6), min_size=7, max_size=12),
    separator=st.sampled_from(["", " ", "-", "/", ") (", " - ", "\u00a0"]),
    after=st.sampled_from(["", ".", ", a", ") b", " c", "\n"]),
)
def test_no_run_of_seven_digits_or_more_is_left(before: str, number: list[str], separator: str, after: str) -> None:
    written = separator.join(number)

    assert written not in mask(f"{before}{written}{after}")


# --- hostile texts -----------------------------------------------------------------------------------------------

_LONG = 200_000


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "@",
        "a@",
        "a.",
        "%40",
        "-",
        "'",
        "x@a.1.",
        "_",
        "é",
        "(",
        "+",
        "AB",
        ":",
        "a:",
        "Ab ",
        "pin ",
        "password ",
        "my name is ",
        "/s/",
        "?key=a&",
        "regards ",
        "token ",
    ],
)
def test_a_very_long_text_without_personal_data_is_read_to_its_end_and_unchanged(piece: str) -> None:
    text = piece * (_LONG // len(piece))

    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("1 " * 30_000, f"{ACCOUNT} "),
        ("1" * _LONG, ACCOUNT),
        ("1" * _LONG + "a", "1" * _LONG + "a"),
        ("1-" * 30_000 + "a", "1-" * 30_000 + "a"),
        ("1(" * 30_000, f"{ACCOUNT}("),
        ("1." + "1" * _LONG, "1." + "1" * _LONG),
        ("aa11" * 50_000, "aa11" * 50_000),
        ("GB29NWBK6016133192681_ " * 8_000, "GB29NWBK6016133192681_ " * 8_000),
        ("DE89 3704 0044 0532 0130 00, " * 5_000, f"{ACCOUNT}, " * 5_000),
        ("a" * _LONG + "@example.com", EMAIL),
        ("a@example.com" * 10_000, EMAIL),
        ("x@" + "a.1." * 50_000, "x@" + "a.1." * 50_000),
        ("10:00:00.1" * 20_000, "10:00:00.1" * 20_000),
    ],
    ids=lambda text: text[:12],
)
def test_a_very_long_hostile_text_is_masked_to_its_end(text: str, masked: str) -> None:
    assert mask(text) == masked
