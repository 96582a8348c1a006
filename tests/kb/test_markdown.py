from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it.utils import read_fixture_file

from kb.blocks import plain
from kb.markdown import Rendered, Targets, github_slug, heading_text, outline, render, sanitise

_CASES = read_fixture_file(Path(__file__).parent.parent / "cases" / "markdown.md")
_FRAGMENTS = {
    "../includes/fragment.md": "A **fragment** of its own.\n\n- with a list\n",
    "fragment.md": "A **fragment** of its own.\n\n- with a list\n",
    "loop.md": "Round\n\n[!INCLUDE [x](loop.md)]\n",
}


def _html(rendered: Rendered) -> str:
    parts: list[str] = []
    for section in rendered.sections:
        if section.heading:
            tag = f"h{section.level}"
            parts.append(f'<{tag} id="{section.anchor}">{escape(section.heading)}</{tag}>')
        parts.append(section.html.strip())
    return "\n".join(part for part in parts if part).strip()


def test_the_cases_are_all_read() -> None:
    text = (Path(__file__).parent.parent / "cases" / "markdown.md").read_text(encoding="utf-8")
    assert len(_CASES) == (len(re.findall(r"^\.$", text, re.MULTILINE))) / 3


@pytest.mark.parametrize(
    ("source", "expected"), [case[2:4] for case in _CASES], ids=[case[1].splitlines()[-1] for case in _CASES]
)
def test_markdown_becomes_what_its_case_says(source: str, expected: str) -> None:
    rendered = render(source, targets=Targets(include=_FRAGMENTS.get))
    assert _html(rendered) == expected.strip()


# --- sections and blocks -----------------------------------------------------------------------------------------

_PAGE = """Opening

## A

Text *of* A

### A1

- one
- two

  more

## B

| h1 | h2 |
|----|----|
| c1 | c2 |

```sh
ls
cd
```
"""


def test_sections_carry_their_path_of_headings_and_their_lines_in_the_file() -> None:
    sections = render(_PAGE, first_line=11).sections
    assert [(s.level, s.heading_path, s.anchor, s.lines) for s in sections] == [
        (0, (), "", (11, 11)),
        (2, ("A",), "a", (15, 15)),
        (3, ("A", "A1"), "a1", (19, 23)),
        (2, ("B",), "b", (26, 33)),
    ]


def test_blocks_are_plain_text_in_pieces_that_may_be_cut() -> None:
    blocks = [[(b.kind, b.lead, b.parts, b.lines) for b in found] for found in render(_PAGE).blocks]
    assert blocks == [
        [("text", "", ("Opening",), (1, 1))],
        [("text", "", ("Text of A",), (5, 5))],
        [("list", "", ("- one", "- two\nmore"), (9, 13))],
        [("table", "h1 | h2", ("c1 | c2",), (16, 18)), ("code", "", ("ls", "cd"), (20, 23))],
    ]


def test_an_ordered_list_keeps_its_numbers() -> None:
    assert render("3. c\n4. d\n").blocks[0][0].parts == ("3. c", "4. d")


def test_the_html_of_a_section_is_that_of_its_blocks() -> None:
    rendered = render(_PAGE)
    assert ["".join(b.html for b in blocks) for blocks in rendered.blocks] == [s.html for s in rendered.sections]


def test_only_a_first_heading_of_the_first_level_is_taken_for_the_title() -> None:
    assert [s.heading for s in render("# T\n\nx\n\n# U\n\ny\n").sections] == ["", "U"]
    assert [s.heading for s in render("x\n\n# U\n\ny\n").sections] == ["", "U"]
    assert [s.heading for s in render("## T\n\nx\n").sections] == ["T"]


def test_an_empty_page_has_no_sections() -> None:
    assert render("").sections == ()


def test_the_outline_leaves_out_deep_headings() -> None:
    assert outline(render("## A\n\n#### B\n\n### C\n").sections) == [
        {"level": 2, "heading": "A", "anchor": "a"},
        {"level": 3, "heading": "C", "anchor": "c"},
    ]


def test_a_fragment_points_at_the_line_that_includes_it() -> None:
    rendered = render("a\n\n[!INCLUDE [x](loop.md)]\n", first_line=5, targets=Targets(include=_FRAGMENTS.get))
    assert [(block.text, block.lines) for block in rendered.blocks[0]] == [("a", (5, 5)), ("Round", (7, 7))]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>a &amp; <b>b</b></p><p>c</p>", "a & b\nc"),
        ("a<br>b", "a\nb"),
        ("<script>x</script>y", "y"),
        ("1 &lt; 2", "1 < 2"),
    ],
)
def test_plain_keeps_the_words_of_html(markup: str, text: str) -> None:
    assert plain(markup) == text


@given(st.text("ab-_ é.ß中1²ि", max_size=12))
def test_a_slug_holds_no_space_and_is_its_own_slug(heading: str) -> None:
    slug = github_slug(heading)
    assert " " not in slug
    assert github_slug(slug) == slug


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a *b* `c` ##", "a b c"),
        ("C#", "C#"),
        ("x {#id}", "x"),
        ("x ## {: #id .a }", "x"),
        ("&lt;a&gt; <i>b</i>", "<a> b"),
        ("", ""),
    ],
)
def test_the_words_of_a_heading(source: str, text: str) -> None:
    assert heading_text(source) == text


# --- targets -----------------------------------------------------------------------------------------------------


def _targets() -> Targets:
    return Targets(
        link=lambda href: f"/L/{href}",
        image=lambda src: "" if src.startswith("http") else f"/P/{src}",
        include=_FRAGMENTS.get,
    )


def test_links_and_pictures_become_what_the_targets_make_of_them_and_are_listed_with_their_lines() -> None:
    targets = _targets()
    rendered = render("x\n\n[a](b.md#c) ![d](e.png)\n\n## [f](g.md)\n", first_line=10, targets=targets)
    assert _html(rendered).split("\n")[1] == (
        '<p><a href="/L/b.md#c" rel="noopener noreferrer">a</a> <img src="/P/e.png" alt="d"></p>'
    )
    assert rendered.links == (("b.md#c", 12), ("e.png", 12), ("g.md", 14))


def test_links_and_pictures_of_raw_html_go_the_same_way_and_only_once() -> None:
    source = '<a href=" b.md">a</a> [a](b.md) <a href="/L/b.md">a</a> <img src="e.png" alt="d"> ![d](e.png)\n'
    link = '<a href="/L/b.md" rel="noopener noreferrer">a</a>'
    picture = '<img src="/P/e.png" alt="d">'
    assert _html(render(source, targets=_targets())) == f"<p>{link} {link} {link} {picture} {picture}</p>"


def test_of_a_picture_that_is_not_there_the_words_stay() -> None:
    source = 'See ![the *box*](http://x.org/a.png) here <img src="http://x.org/b.png" alt="or there">\n'
    assert _html(render(source, targets=_targets())) == '<p>See the box here <img alt="or there"></p>'


# --- nothing runs ------------------------------------------------------------------------------------------------

_HARMLESS_TAGS = set(
    "a abbr b blockquote br caption code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img "
    "input ins kbd li mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th thead "
    "tr u ul var".split()
)
_HARMLESS_ATTRIBUTES = set(
    "id class lang dir href title src alt width height type checked disabled start align colspan rowspan scope open "
    "rel".split()
)


class _Dangers(HTMLParser):
    """Collects what could run or load something, judged by its own list and not by the sanitiser's."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HARMLESS_TAGS:
            self.found.append(tag)
        for name, value in attrs:
            if name not in _HARMLESS_ATTRIBUTES and (name, value) != ("tabindex", "0"):
                self.found.append(f"{tag} {name}")
            # Browsers drop control characters in front, and tabs and line ends anywhere, before they read the scheme.
            address = re.sub(r"^[\x00-\x20]+|[\t\r\n]", "", value or "").lower()
            scheme = re.match(r"[a-z][a-z0-9+.-]*:", address)
            if name in ("href", "src") and scheme and scheme[0] not in ("http:", "https:", "mailto:", "tel:"):
                self.found.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"instruction {data}")


def _dangers(markup: str) -> list[str]:
    parser = _Dangers()
    parser.feed(markup)
    parser.close()
    return parser.found


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<p onclick=x>", ["p onclick"]),
        ("<script>x</script>", ["script"]),
        ("<a href='java\tscript:x'>", ["a href=java\tscript:x"]),
        ("<!-- x -->", ["comment  x "]),
        ("<a href='https://x.org/a:b'>", []),
        ("<a href='a?b:c'>", []),
    ],
)
def test_the_search_for_dangers_finds_them(markup: str, found: list[str]) -> None:
    assert _dangers(markup) == found


_ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt\n>alert(1)</sCrIpT >",
    "<script src=//x.org/a.js>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)//",
    '<img src="x` `<script>alert(1)</script>"` `>',
    "<img src='javascript:alert(1)'>",
    "<svg/onload=alert(1)>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math href='javascript:alert(1)'>x</math>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' &#14; javascript:alert(1)'>x</a>",
    "<a href='jav&#x0A;ascript:alert(1)'>x</a>",
    "<a href='&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='x' onclick='alert(1)' style='color:red' target=_top ping=//x.org>x</a>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data='javascript:alert(1)'></object><embed src='javascript:alert(1)'>",
    "<form action='javascript:alert(1)'><input type=submit formaction='javascript:x' autofocus onfocus=alert(1)>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<base href='//x.org/'>",
    "<link rel=stylesheet href='//x.org/a.css'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<style>@import '//x.org/a.css';</style>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<body onload=alert(1)><html onfocus=x><frameset onload=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<template><script>alert(1)</script></template>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y 'z'>]>",
    "<table background='javascript:alert(1)'><td background=x>",
    "<p id='x' name='y' contenteditable tabindex=1 accesskey=x onfocus=alert(1)>x</p>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](javascript:alert(1))",
    '![x" onerror="alert(1)](y.png)',
    '[x](y "title\\" onmouseover=\\"alert(1)")',
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '{onclick="alert(1)"}',
    '## x {#y" onclick="alert(1)}',
    '## x {#y onclick=alert(1)}',
    ':::image source="x\\" onerror=alert(1)" alt-text="<script>alert(1)</script>":::',
    ':::image source="javascript:alert(1)" alt-text="](javascript:alert(1))":::',
    ':::note <img src=x onerror=alert(1)>\nx\n:::',
    ':::{.note title="<script>alert(1)</script>"}\nx\n:::',
    '!!! note "<img src=x onerror=alert(1)>"\n    x',
    "```\"onclick=alert(1)\nx\n```",
    "x[^<script>]\n\n[^<script>]: <script>alert(1)</script>",
]  # fmt: skip
_FRAMES = [
    "{}",
    "## {}",
    "- {}",
    "> {}",
    "> [!NOTE]\n> {}",
    "| a |\n|---|\n| {} |",
    ":::warning\n{}\n:::",
    "!!! note\n    {}",
    "*{}*",
    "<div>\n\n{}\n\n</div>",
    "<p title='{}'>x</p>",
    '<p title="{}">x</p>',
    "<{}>",
    "`{}`",
    "[{}](x.md)",
    "![{}](x.png)",
    "x[^1]\n\n[^1]: {}",
]


def _all_html(source: str, targets: Targets | None = None) -> str:
    rendered = render(source, targets=targets)
    return "\n".join([*(s.html for s in rendered.sections), *(b.html for blocks in rendered.blocks for b in blocks)])


@pytest.mark.parametrize("attack", _ATTACKS)
def test_an_attack_does_not_survive_in_any_place_of_a_page(attack: str) -> None:
    for frame in _FRAMES:
        assert _dangers(_all_html(frame.replace("{}", attack))) == []


_ATTACK = st.tuples(
    st.sampled_from(_ATTACKS),
    st.integers(0, 80),
    st.sampled_from(["", "\0", "\n", "\t", " ", "/", "<", '"', "&#0;", "\\"]),
).map(lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] :])


@given(st.lists(_ATTACK | st.text("<>/\"'=`&;:!-[]()#{} \n\tax", max_size=12), max_size=6), st.sampled_from(_FRAMES))
def test_no_mixture_of_attacks_survives(parts: list[str], frame: str) -> None:
    assert _dangers(_all_html(frame.replace("{}", "".join(parts)))) == []


@given(st.lists(_ATTACK, max_size=4))
def test_sanitising_twice_changes_nothing(parts: list[str]) -> None:
    once = sanitise("".join(parts))
    assert sanitise(once) == once


def test_a_target_that_makes_a_dangerous_address_of_raw_html_does_not_exist_but_its_text_is_escaped() -> None:
    targets = Targets(image=lambda src: '"><script>alert(1)</script>')
    assert _dangers(_all_html("<img src=x> ![y](z)", targets)) == []


# --- anything goes -----------------------------------------------------------------------------------------------

_SYNTAX = st.sampled_from(
    "# ## - * > | --- === ``` ~~~ ::: :::note !!! [!NOTE] [^1] [^1]: [x] [x]: ( ) ![ ]( <div> </div> <br> &amp; \\ 1. "
    "{#a} **".split()
) | st.sampled_from(
    [
        "\n",
        "\n\n",
        "    ",
        "  ",
        "\t",
        "a",
        "ż",
        "中",
        "\u2028",
        "\0",
        "| a |\n|---|\n| b |\n",
        '!!! note "',
        "[!INCLUDE [a](loop.md)]\n",
    ]
)


@given(st.lists(_SYNTAX, max_size=40).map("".join))
@example("- \n\n[!INCLUDE [a](loop.md)]")
@example(":::note\n:::image source=x:::\n")
def test_any_text_renders_with_lines_that_are_in_the_file(source: str) -> None:
    rendered = render(source, first_line=7, targets=Targets(include=_FRAGMENTS.get))
    last = source.count("\n") + 7
    spans = [s.lines for s in rendered.sections] + [b.lines for blocks in rendered.blocks for b in blocks]
    assert [span for span in spans if span != (0, 0) and not 7 <= span[0] <= span[1] <= last] == []
    assert [target for target, line in rendered.links if not 7 <= line <= last] == []
    assert len(rendered.sections) == len(rendered.blocks)
    anchors = [s.anchor for s in rendered.sections if s.heading]
    assert len(set(anchors)) == len(anchors)


@pytest.mark.parametrize("start", [":::image source", "## a", ":::note", "[!INCLUDE", '!!! note "'])
def test_a_line_with_very_many_spaces_is_read_like_one_with_few(start: str) -> None:
    few, many = (render(f"{start}{' ' * n}x\n\nText\n").sections for n in (2, 20_000))
    assert [" ".join(s.html.split()) for s in many] == [" ".join(s.html.split()) for s in few]


@pytest.mark.parametrize("dialect", ["> [!WARNING]\n> Stop.", ":::warning\nStop.\n:::", "!!! warning\n    Stop."])
def test_an_alert_without_a_title_gets_one_in_the_article_s_language(dialect: str) -> None:
    titles = [f'<p class="alert-title">{word}</p>' for word in ("Ostrzeżenie", "Warning")]
    assert titles[0] in render(dialect, lang="pl").sections[0].html
    assert titles[1] in render(dialect, lang="ja").sections[0].html


def test_the_title_an_author_gave_an_alert_stays() -> None:
    assert (
        "Read this"
        in render(':::warning Read this\nStop.\n:::\n\n!!! note "Read this"\n    Stop.', lang="pl").sections[0].html
    )
