from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.frontmatter import FrontMatter, FrontMatterProblem, split


def _problem(text: str) -> tuple[int, str, str]:
    with pytest.raises(FrontMatterProblem) as caught:
        split(text)
    return caught.value.line, caught.value.detail, caught.value.fix


def test_keys_are_read_with_their_lines_and_the_body_with_the_line_it_starts_on() -> None:
    front = split("---\n# a comment\ntitle: Reset\n\nquestions:\n  - a\n  - b\nlang: pl\n---\n\nText\n")
    assert front.values == {"title": "Reset", "questions": ["a", "b"], "lang": "pl"}
    assert front.lines == {"title": 3, "questions": 5, "lang": 8}
    assert (front.body, front.body_line) == ("\nText\n", 10)


def test_a_file_without_front_matter_is_all_body() -> None:
    assert split("# Title\n\nText\n") == FrontMatter({}, {}, "# Title\n\nText\n", 1)


@pytest.mark.parametrize(
    "text", ["", "---", "---\nA rule, then text.\n", "---\nNo key here\n---\nText\n", "----\na: b\n"]
)
def test_a_rule_at_the_top_of_a_page_is_text(text: str) -> None:
    assert split(text) == FrontMatter({}, {}, text, 1)


def test_an_empty_front_matter_holds_no_keys() -> None:
    assert split("---\n---\nText") == FrontMatter({}, {}, "Text", 3)


def test_three_dots_close_the_front_matter_too() -> None:
    assert split("---\na: b\n...\nText").body == "Text"


def test_a_front_matter_that_is_never_closed_is_named() -> None:
    assert _problem("---\ntitle: a\n\nText\n") == (
        1,
        "the front matter is never closed",
        "Add a line with `---` below the last key.",
    )


def test_broken_yaml_is_named_with_its_line_its_text_and_what_to_write() -> None:
    line, detail, fix = _problem("---\nid: a\ntitle: Reset: the password\n---\nText\n")
    assert line == 3
    assert (
        detail == "not valid YAML (mapping values are not allowed in this context); found `title: Reset: the password`"
    )
    assert fix == 'Put quotes around the value: `title: "Reset: the password"`.'
    line, detail, fix = _problem("---\nquestions:\n  \t- one\n---\nText\n")
    assert (line, detail) == (3, "a tab stands before `- one`, where YAML takes spaces alone")
    assert fix == "Put spaces in the place of the tab."


@pytest.mark.parametrize(
    ("value", "reason", "fix"),
    [
        ("2027-02-30", "day is out of range for month", "Write a day of the calendar: `2027-05-01`."),
        ("!!bool maybe", "it does not fit its tag", "Put the value in quotes."),
        ("!!int ''", "it does not fit its tag", "Put the value in quotes."),
        ("!!timestamp x", "it does not fit its tag", "Put the value in quotes."),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_its_line(value: str, reason: str, fix: str) -> None:
    detail = f"the value of b cannot be read ({reason})"
    assert _problem(f"---\na: [1]\nb: {value}\n---\n") == (3, detail, fix)


def test_a_number_too_long_to_be_written_is_to_be_quoted() -> None:
    assert _problem(f"---\na: 0x{'f' * 4000}\n---\n")[2] == "Put the value in quotes."


@pytest.mark.parametrize(
    "block",
    [
        "a: &a [*a]",
        "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)),
        f"a: {'[' * 200}{']' * 200}",
    ],
    ids=["an alias of itself", "aliases of aliases", "two hundred brackets"],
)
def test_a_front_matter_that_would_fill_the_memory_is_refused(block: str) -> None:
    line, detail, fix = _problem(f"---\n{block}\n---\n")
    assert (line, fix) == (2, "Write the values out flat.")
    assert detail == "it is nested too deeply, or its aliases (`*name`) repeat without end"


def test_an_alias_that_is_used_once_is_read() -> None:
    assert split("---\na: &a [x]\nb: *a\n---\n").values == {"a": ["x"], "b": ["x"]}


def test_a_list_instead_of_keys_is_named() -> None:
    assert _problem("---\n- a:\n---\n") == (
        2,
        "expected keys and values, found a list",
        "Write one `key: value` a line.",
    )


def test_text_takes_numbers_dates_and_truth_values_as_written() -> None:
    front = split("---\nn: 12\nd: 2027-05-01\nb: true\nnone:\ns: '  x '\n---\n")
    assert [front.text(key) for key in ("n", "d", "b", "none", "s", "absent")] == [
        "12",
        "2027-05-01",
        "yes",
        "",
        "x",
        "",
    ]
    assert front.text("absent", "else") == "else"


def test_one_value_counts_as_a_list_of_one_and_empty_entries_are_left_out() -> None:
    front = split("---\none: I forgot it\nmany: [a, 5, null, '', ' b ']\nnone:\n---\n")
    assert front.texts("one") == ("I forgot it",)
    assert front.texts("many") == ("a", "5", "b")
    assert front.texts("none") == ()
    assert front.texts("absent") == ()


def test_a_list_where_one_text_belongs_names_its_line() -> None:
    with pytest.raises(FrontMatterProblem) as caught:
        split("---\nid: x\ntitle: [a, b]\n---\n").text("title")
    assert (caught.value.line, caught.value.detail) == (3, "title is a list")
    assert caught.value.fix == "Write one value: `title: some text`."


def test_an_entry_with_an_unquoted_colon_names_its_line_and_asks_for_quotes() -> None:
    with pytest.raises(FrontMatterProblem) as caught:
        split("---\nquestions:\n  - error: what now\n---\n").texts("questions")
    assert caught.value.line == 2
    assert caught.value.detail == "an entry of questions is a mapping: {'error': 'what now'}"
    assert caught.value.fix == "Put quotes around an entry that contains a colon or brackets."


def test_a_mapping_where_a_list_belongs_shows_how_to_write_a_list() -> None:
    with pytest.raises(FrontMatterProblem, match=r"^questions is a mapping$") as caught:
        split("---\nquestions:\n  first: a\n---\n").texts("questions")
    assert caught.value.fix == "Write a list: `questions: [first, second]`."


_YAML = st.lists(
    st.sampled_from(
        "--- ... a: b: - [ ] { } , & * &a *a ! !! !!bool !!int !!float !!set !!binary | > # ' \" << ? 1 0x .5e".split()
    )
    | st.sampled_from(
        ["\n", " ", "  ", "\t", "\n- ", "\na: ", "2027-01-01", "12:30:45", "\\", "%", "@", "`", "é", "\x07"]
    ),
    max_size=20,
).map("".join)


@given(_YAML)
def test_any_front_matter_is_read_or_refused_with_a_line_of_the_file_and_a_fix(block: str) -> None:
    text = f"---\n{block}\n---\nbody"
    problem: FrontMatterProblem | None = None
    front = FrontMatter({}, {}, text, 1)
    try:
        front = split(text)
    except FrontMatterProblem as raised:
        problem = raised
    assert "\n".join(text.split("\n")[front.body_line - 1 :]) == front.body
    if problem:
        assert problem.line in range(1, text.count("\n") + 2)
        assert (problem.detail == "", problem.fix[-1]) == (False, ".")
