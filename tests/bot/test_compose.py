from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.compose import snippet
from bot.decide import Policy
from bot.models import Question, Reply
from kb.models import ArticleKey
from tests.bot.conftest import make_desk
from tests.conftest import Index, Write

ANYTHING = Policy(cost_wrong=1e-9)


def _reply(question: str, policy: Policy = ANYTHING, *, data: Path) -> Reply:
    return make_desk(data, policy=policy).ask(Question(question))


def test_an_answer_is_the_section_that_matches_with_its_heading_and_lines(
    write: Write, index: Index, data: Path
) -> None:
    index(
        write(
            {
                "vpn.md": "# Use the VPN\n\nAbout the VPN.\n\n## Install it\n\nGet it from the catalogue.\n\n"
                "## Mend a slow tunnel\n\nChoose **another** gateway & wait.\n"
            }
        )
    )

    answer = _reply("mend a slow tunnel gateway", data=data).answer

    assert answer is not None
    assert answer.key == ArticleKey("vpn", "en")
    assert answer.title == "Use the VPN"
    assert answer.path == "/en/articles/vpn#mend-a-slow-tunnel"
    assert answer.heading == "Mend a slow tunnel"
    assert answer.html == "<h3>Mend a slow tunnel</h3>\n<p>Choose <strong>another</strong> gateway &amp; wait.</p>\n"
    assert answer.text == "Mend a slow tunnel\nChoose another gateway & wait."
    assert answer.lines == (11, 11)


def test_an_opening_comes_with_the_section_below_it(write: Write, index: Index, data: Path) -> None:
    index(
        write(
            {"vpn.md": "# Use the VPN\n\nTwo minutes for a tunnel.\n\n## Install it\n\nPick it.\n\n## Later\n\nNo.\n"}
        )
    )

    answer = _reply("two minutes for a tunnel", data=data).answer

    assert answer is not None
    assert answer.text == "Two minutes for a tunnel.\n\nInstall it\nPick it."
    assert (answer.heading, answer.path) == ("Install it", "/en/articles/vpn#install-it")
    assert answer.lines == (3, 7)


def test_of_a_section_too_long_to_show_whole_only_the_matching_passage_is_shown(
    write: Write, index: Index, data: Path
) -> None:
    filler = "\n\n".join(f"Paragraph {n} speaks of weather and of nothing else at all. " * 6 for n in range(12))
    index(write({"long.md": f"# Long\n\n## Part\n\n{filler}\n\nReset the zebra crossing controller twice.\n"}))

    answer = _reply("reset the zebra crossing controller", data=data).answer

    assert answer is not None
    assert "Reset the zebra crossing controller twice." in answer.text
    assert len(answer.text) < 2_400
    assert answer.path == "/en/articles/long#part"


def test_a_heading_with_markup_is_escaped_in_the_answer(write: Write, index: Index, data: Path) -> None:
    index(write({"x.md": "# X\n\n## Type `<script>alert(1)</script>` twice\n\nThen restart the gateway.\n"}))

    answer = _reply("restart the gateway", data=data).answer

    assert answer is not None
    assert answer.html == (
        "<h3>Type &lt;script&gt;alert(1)&lt;/script&gt; twice</h3>\n<p>Then restart the gateway.</p>\n"
    )


def test_a_script_in_an_article_is_not_in_the_answer(write: Write, index: Index, data: Path) -> None:
    index(write({"x.md": "# X\n\nRestart <script>alert(1)</script> the <b onclick='alert(2)'>gateway</b> now.\n"}))

    answer = _reply("restart the gateway", data=data).answer

    assert answer is not None
    assert answer.html == "<p>Restart  the <b>gateway</b> now.</p>\n"


def test_suggestions_link_to_the_heading_and_show_its_words(write: Write, index: Index, data: Path) -> None:
    index(write({"vpn.md": "# Use the VPN\n\n## Mend a slow tunnel\n\nChoose another\n*gateway*.\n"}))

    confidence = _reply("mend a slow tunnel gateway", data=data).confidence
    unsure = Policy(cost_wrong=confidence / (1 - confidence) * 2, cost_missed=1)
    reply = _reply("mend a slow tunnel gateway", unsure, data=data)

    assert reply.decision == "suggest"
    assert reply.answer is None
    (suggestion,) = reply.suggestions
    assert suggestion.path == "/en/articles/vpn#mend-a-slow-tunnel"
    assert (suggestion.title, suggestion.heading) == ("Use the VPN", "Mend a slow tunnel")
    assert suggestion.snippet == "Choose another gateway."


def test_the_answer_is_not_suggested_beside_itself(write: Write, index: Index, data: Path) -> None:
    index(write({f"{n}.md": f"# Gateway {n}\n\nRestart gateway {n} now.\n" for n in range(9)}))

    reply = _reply("restart the gateway now", data=data)

    assert reply.answer is not None
    assert len(reply.shown) == len(set(reply.shown)) == 4
    assert reply.shown[0] == reply.answer.key


def test_of_two_close_articles_the_reply_names_both_with_what_tells_them_apart(
    write: Write, index: Index, data: Path
) -> None:
    printer = "# The printer is offline\n\n## On {0}\n\nRestart the printing of {0} while the printer is offline.\n"
    index(write({"windows.md": printer.format("Windows"), "mac.md": printer.format("Mac")}))

    reply = _reply("printer offline", Policy(), data=data)

    assert (reply.decision, reply.answer) == ("suggest", None)
    assert reply.between == reply.suggestions[:2]
    assert {(choice.title, choice.heading, choice.snippet) for choice in reply.between} == {
        ("The printer is offline", "On Mac", "Restart the printing of Mac while the printer is offline."),
        ("The printer is offline", "On Windows", "Restart the printing of Windows while the printer is offline."),
    }


def test_a_translation_is_no_second_article_to_choose(write: Write, index: Index, data: Path) -> None:
    words = "# The printer is offline\n\nRestart the printing while the printer is offline.\n"
    index(write({"en/printer.md": words, "nl/printer.md": words, "en/x.md": "# Vacation\n\nAsk for it early.\n"}))

    reply = _reply("printer offline", Policy(), data=data)

    assert reply.between == ()
    assert len({key.id for key in reply.shown}) == len(reply.shown)


def test_a_question_without_typing_errors_is_not_called_corrected(write: Write, index: Index, data: Path) -> None:
    index(write({"x.md": "# Restart the gateway\n\nNow.\n"}))

    assert _reply("restart the gateway", data=data).corrected == ""
    assert _reply("restart the gatewya", data=data).corrected == "restart the gateway"


# --- snippets ----------------------------------------------------------------------------------------------------


def test_a_short_text_is_its_own_snippet_on_one_line() -> None:
    assert snippet("  one\n two\t three ") == "one two three"


def test_a_long_text_is_cut_at_the_end_of_a_word() -> None:
    assert snippet("word, " * 100) == ", ".join(["word"] * 36) + "…"


@given(st.text())
def test_a_snippet_is_one_line_of_the_first_words(text: str) -> None:
    short = snippet(text * 20)

    assert len(short) <= 221
    assert short == " ".join(short.split())
    assert " ".join((text * 20).split()).startswith(short.removesuffix("…"))
