from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.articles import load
from kb.embedding import Embedder, HashEmbedder, open_encoder
from kb.markdown import render
from kb.models import Article, Passage
from kb.passages import TARGET_TOKENS, split

_count = HashEmbedder().count_tokens


def _article(body: str, title: str = "Title", questions: tuple[str, ...] = ()) -> Article:
    return Article(id="a", lang="en", title=title, body=body, path="a.md", questions=questions)


def _split(body: str, max_tokens: int = 128, title: str = "Title") -> list[Passage]:
    article = _article(body, title)
    return split(article, render(body), _count, max_tokens)


def _bodies(body: str, max_tokens: int = 128, title: str = "Title") -> list[Passage]:
    return [passage for passage in _split(body, max_tokens, title) if passage.kind == "body"]


def test_title_and_questions_come_first_each_on_its_own() -> None:
    article = _article("Text\n", "How to print", ("where is the printer", "print pages"))
    passages = split(article, render(article.body), _count, 128)
    assert [(p.kind, p.text, p.embedded, p.lines) for p in passages] == [
        ("title", "How to print", "How to print", (0, 0)),
        ("question", "where is the printer", "where is the printer", (0, 0)),
        ("question", "print pages", "print pages", (0, 0)),
        ("body", "Text", "How to print\nText", (1, 1)),
    ]


def test_an_article_without_text_still_has_its_title() -> None:
    assert [passage.kind for passage in _split("")] == ["title"]


def test_the_encoder_reads_title_and_headings_in_front_of_the_text() -> None:
    passages = _bodies("Opening\n\n## First\n\nOne\n\n### Deep\n\nTwo\n\n## Last\n\nThree\n")
    assert [(p.embedded, p.heading_path, p.anchor, p.section, p.lines) for p in passages] == [
        ("Title\nOpening", (), "", 0, (1, 1)),
        ("Title › First\nOne", ("First",), "first", 1, (5, 5)),
        ("Title › First › Deep\nTwo", ("First", "Deep"), "deep", 2, (9, 9)),
        ("Title › Last\nThree", ("Last",), "last", 3, (13, 13)),
    ]


def test_a_heading_with_nothing_below_is_found_by_its_words() -> None:
    first, second = _bodies("## Alone\n\n## With text\n\nx\n")
    assert (first.text, first.embedded, first.anchor) == ("Alone", "Title › Alone", "alone")
    assert second.embedded == "Title › With text\nx"


def test_blocks_of_a_section_stay_together_as_long_as_they_fit() -> None:
    body = "\n\n".join(" ".join(f"w{n}x{i}" for i in range(30)) for n in range(5))
    assert [(p.lines, _count(p.text)) for p in _bodies(body, 100)] == [((1, 5), 90), ((7, 9), 60)]


def test_a_passage_is_no_longer_than_the_target_however_much_the_encoder_reads() -> None:
    body = "\n\n".join(f"w{n}" for n in range(TARGET_TOKENS + 10))
    assert [_count(p.text) for p in _bodies(body, 4_000)] == [TARGET_TOKENS, 10]


def test_a_table_longer_than_a_passage_keeps_its_head_row_above_each_piece() -> None:
    rows = "".join(f"| code{n} | meaning{n} |\n" for n in range(40))
    texts = [p.text.split("\n") for p in _bodies(f"| Code | Meaning |\n|---|---|\n{rows}", 30)]
    assert {lines[0] for lines in texts} == {"Code | Meaning"}
    assert [row for lines in texts for row in lines[1:]] == [f"code{n} | meaning{n}" for n in range(40)]
    assert len(texts) == 4


def test_a_head_row_too_long_to_repeat_is_kept_once() -> None:
    head = " ".join(f"h{n}" for n in range(40))
    texts = [p.text for p in _bodies(f"| {head} |\n|---|\n| cell |\n", 30)]
    assert " ".join(texts).split() == [*head.split(), "cell"]


def test_a_table_and_code_that_fit_stay_whole_although_the_section_is_long() -> None:
    paragraph = " ".join(f"p{n}" for n in range(60))
    table = "| a | b |\n|---|---|\n" + "".join(f"| x{n} | y{n} |\n" for n in range(20))
    code = "".join(f"run{n}\n" for n in range(40))
    texts = [p.text for p in _bodies(f"{paragraph}\n\n{table}\n{paragraph}\n\n```sh\n{code}```\n", 100)]
    assert ["a | b\n" + "\n".join(f"x{n} | y{n}" for n in range(20)) in text for text in texts] == [
        False,
        True,
        False,
        False,
    ]
    assert [code.strip() in text for text in texts] == [False, False, False, True]


def test_a_list_longer_than_a_passage_is_cut_between_items() -> None:
    texts = [p.text for p in _bodies("".join(f"1. one{n} two{n} three{n}\n" for n in range(12)), 30)]
    assert [[line.split()[0] for line in text.split("\n")] for text in texts] == [
        ["1.", "2.", "3.", "4.", "5.", "6."],
        ["7.", "8.", "9.", "10.", "11.", "12."],
    ]


def test_code_longer_than_a_passage_is_cut_between_lines() -> None:
    texts = [p.text for p in _bodies("```\n" + "".join(f"a{n} b{n}\n" for n in range(30)) + "```\n", 30)]
    assert "\n".join(texts).split("\n") == [f"a{n} b{n}" for n in range(30)]
    assert len(texts) == 3


def test_a_paragraph_longer_than_a_passage_is_cut_between_sentences() -> None:
    sentences = [f"One{n} two three four five." for n in range(12)]
    texts = [p.text for p in _bodies(" ".join(sentences), 30)]
    assert "\n".join(texts).split("\n") == sentences


def test_a_sentence_longer_than_a_passage_is_cut_between_words() -> None:
    words = [f"word{n}" for n in range(100)]
    texts = [p.text for p in _bodies(" ".join(words), 30)]
    assert [word for text in texts for word in text.split()] == words


def test_a_word_longer_than_a_passage_is_cut_between_characters() -> None:
    text = "".join(f"{n:04}-" for n in range(200))
    assert "".join(p.text for p in _bodies(text, 30)).replace("\n", "") == text


def test_the_pieces_of_one_block_all_carry_the_lines_and_html_of_the_block() -> None:
    passages = _bodies("x\n\n```\n" + "a b c d e f g h i j\n" * 6 + "```\n", 30)
    assert {p.lines for p in passages[1:]} == {(3, 10)}
    assert {p.html for p in passages[1:]} == {"<pre><code>" + "a b c d e f g h i j\n" * 6 + "</code></pre>\n"}


def test_a_title_longer_than_the_encoder_reads_is_cut_for_the_encoder_alone() -> None:
    title = " ".join(f"t{n}" for n in range(100))
    first, body = _split("Text\n", 40, title)
    assert (first.text, first.embedded) == (title, " ".join(f"t{n}" for n in range(40)))
    assert body.embedded == " ".join(f"t{n}" for n in range(20)) + "\nText"


def test_a_question_longer_than_the_encoder_reads_is_cut_for_the_encoder_alone() -> None:
    question = " ".join(f"q{n}" for n in range(100))
    passage = split(_article("", questions=(question,)), render(""), _count, 40)[1]
    assert (passage.text, _count(passage.embedded)) == (question, 40)


def test_a_very_long_line_is_not_counted_again_for_each_of_its_pieces() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return _count(text)

    body = "```\n" + '{"a":1,"bb":[2,3],' * 4_000 + "\n```"
    split(_article(body), render(body), count, 250)
    assert counted // len(body) in range(40)


# --- properties --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Document:
    """Markdown made of words that occur once each, with what is known of it beforehand.

    `paths` maps each word of the text to the headings it stands under; `repeated` are words of head rows; `whole` the
    plain text of tables and code.
    """

    lines: list[str] = field(default_factory=list)
    words: int = 0
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)
    whole: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(heading for _, heading in self.headings)

    def new(self, count: int) -> list[str]:
        made = [f"w{self.words + n}q" for n in range(count)]
        self.words += count
        self.paths.update(dict.fromkeys(made, self.path))
        return made

    def add(self, kind: str, size: int) -> None:
        if kind.startswith("#"):
            level = len(kind)
            words = " ".join(f"h{len(self.lines)}h{n}" for n in range(min(size, 5)))
            self.headings = [(above, text) for above, text in self.headings if above < level] + [(level, words)]
            self.lines += [f"{kind} {words}", ""]
        elif kind == "table":
            head, *rows = [self.new(2) for _ in range(max(2, size // 4))]
            self.repeated.update(head)
            self.lines += [f"| {a} | {b} |" for a, b in (head, ["---", "---"], *rows)] + [""]
            self.whole.append((self.path, "\n".join(f"{a} | {b}" for a, b in (head, *rows))))
        elif kind == "code":
            lines = [" ".join(self.new(2)) for _ in range(max(1, size // 3))]
            self.lines += ["```sh", *lines, "```", ""]
            self.whole.append((self.path, "\n".join(lines)))
        elif kind == "list":
            for n in range(max(1, size // 4)):
                self.lines += [f"{n + 1}. {' '.join(self.new(3))}", f"   - {' '.join(self.new(2))}"]
            self.lines.append("")
        else:
            words = self.new(size)
            ended = [word + "." if n % 9 == 8 else word for n, word in enumerate(words)]
            marks = {"quote": "> ", "alert": "> ", "admonition": "    "}
            if kind == "alert":
                self.lines.append("> [!NOTE]")
            if kind == "admonition":
                self.lines.append("!!! note")
            chunks = [" ".join(ended[n : n + 11]) for n in range(0, len(ended), 11)]
            self.lines += [marks.get(kind, "") + chunk for chunk in chunks] + [""]


_KINDS = st.sampled_from(["text", "text", "list", "table", "code", "quote", "alert", "admonition", "##", "###", "####"])
_DOCUMENTS = st.lists(st.tuples(_KINDS, st.integers(1, 90)), max_size=12)
_OURS = re.compile(r"\bw\d+q\b")


def _make(blocks: list[tuple[str, int]]) -> _Document:
    document = _Document()
    for kind, size in blocks:
        document.add(kind, size)
        if kind in ("quote", "alert", "list"):
            document.lines += ["<!-- -->", ""]  # keeps neighbours of one kind apart
    return document


def _passages(document: _Document, embedder: Embedder, max_tokens: int) -> tuple[list[Passage], list[str]]:
    """The body passages of a real file with front matter, and the file's lines."""
    lines = ["---", "title: Some title", "---", *document.lines]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.md").write_text("\n".join(lines), encoding="utf-8")
        loaded = load(Path(folder))
    passages: list[Passage] = []
    for article in loaded.articles:
        rendered = render(article.body, first_line=article.body_line)
        passages = split(article, rendered, embedder.count_tokens, max_tokens)
    assert [p for p in passages if embedder.count_tokens(p.embedded) > max_tokens] == []
    return [passage for passage in passages if passage.kind == "body"], lines


def _check(document: _Document, passages: list[Passage], lines: list[str]) -> None:
    found: dict[str, None] = {}
    for passage in passages:
        words = _OURS.findall(passage.text)
        within = set(_OURS.findall("\n".join(lines[passage.lines[0] - 1 : passage.lines[1]])))
        assert [word for word in words if word not in within] == []
        assert {document.paths[word] for word in words} <= {passage.heading_path}
        found |= dict.fromkeys(words)
    assert list(found) == list(document.paths)  # in article order, and none is lost
    repeats = [word for passage in passages for word in set(_OURS.findall(passage.text))]
    assert {word for word in found if repeats.count(word) > 1} <= document.repeated
    headings = {heading for passage in passages for heading in passage.heading_path}
    assert [line for line in document.lines if line.startswith("#") and line.lstrip("# ") not in headings] == []


@given(_DOCUMENTS, st.integers(32, 256))
def test_passages_fit_the_encoder_follow_the_headings_point_at_their_lines_and_lose_no_word(
    blocks: list[tuple[str, int]], max_tokens: int
) -> None:
    document = _make(blocks)
    passages, lines = _passages(document, HashEmbedder(), max_tokens)
    _check(document, passages, lines)
    for path, whole in document.whole:
        prefix = _count(" › ".join(("Some title", *path)))
        fits = prefix <= max_tokens // 2 and _count(whole) <= min(TARGET_TOKENS, max_tokens - prefix - 2)
        holding = [passage for passage in passages if whole in passage.text]
        assert len(holding) == 1 or not fits


@pytest.fixture(scope="module")
def encoder(encoder_folder: Path) -> Embedder:
    return open_encoder(encoder_folder)


@settings(max_examples=15)
@given(blocks=_DOCUMENTS)
def test_passages_fit_the_real_encoder_by_its_own_count(encoder: Embedder, blocks: list[tuple[str, int]]) -> None:
    document = _make(blocks)
    passages, lines = _passages(document, encoder, encoder.max_tokens)
    _check(document, passages, lines)


@settings(max_examples=30)
@given(st.text("ab .\n#|-`>1中é", max_size=300), st.integers(16, 40))
def test_no_passage_of_any_text_is_longer_than_the_encoder_reads(body: str, max_tokens: int) -> None:
    article = _article(body, "A title", ("one two " * 30,))
    passages = split(article, render(body), _count, max_tokens)
    assert [passage for passage in passages if _count(passage.embedded) > max_tokens] == []
    assert [passage for passage in passages if passage.text.strip() == ""] == []


@settings(max_examples=20)
@given(text=st.text(st.characters(codec="utf-8"), max_size=400))
def test_no_passage_of_any_text_is_longer_than_the_real_encoder_reads(encoder: Embedder, text: str) -> None:
    body = "\n\n".join([text, text * 5, f"```\n{text}\n```"])
    article = _article(body, text[:200] or "Title", (text * 10,))
    passages = split(article, render(body), encoder.count_tokens, encoder.max_tokens)
    assert [passage for passage in passages if encoder.count_tokens(passage.embedded) > encoder.max_tokens] == []


def test_an_opening_heading_that_differs_from_the_title_is_searched_as_well() -> None:
    article = Article("a", "en", "405 error", "# The method is not allowed\n\nText.", "a.md")
    passages = split(article, render(article.body), len, 500)
    assert [(p.kind, p.text) for p in passages] == [
        ("title", "405 error"),
        ("title", "The method is not allowed"),
        ("body", "Text."),
    ]


def test_an_opening_heading_that_is_the_title_is_searched_once() -> None:
    article = Article("a", "en", "The VPN", "# The VPN\n\nText.", "a.md")
    assert [p.kind for p in split(article, render(article.body), len, 500)] == ["title", "body"]
