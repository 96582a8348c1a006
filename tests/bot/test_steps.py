"""What is inserted into a reply reads as the article does."""

from __future__ import annotations

from bot.steps import plain_steps

BASE = "https://help.example.com"


def test_steps_stay_numbered_and_links_keep_their_address() -> None:
    html = """<h3>Reset it</h3>
<p>It takes <strong>five</strong>
minutes.</p>
<ol start="3"><li><p>Open <a href="https://password.example.com">https://password.example.com</a>.</p></li>
<li>Choose <em>Next</em>:<ul><li>on a Mac, see <a href="/en/articles/mac#x">the Mac</a></li>
<li>else wait.</li></ul></li></ol>
<p>Done &amp; dusted.<br>Bye, <a href="#top">up</a>.</p>"""

    assert (
        plain_steps(html, BASE)
        == """Reset it

It takes five minutes.

3. Open https://password.example.com.
4. Choose Next:
   - on a Mac, see the Mac (https://help.example.com/en/articles/mac#x)
   - else wait.

Done & dusted.
Bye, up."""
    )


def test_code_keeps_its_lines_and_tables_their_cells() -> None:
    code = "<pre><code>a  b\n  c\n</code></pre>"
    table = "<table><tr><th>Where</th><th>What</th></tr><tr><td>Here</td><td>1</td></tr></table>"
    assert plain_steps(code + table, BASE) == "a  b\n  c\n\nWhere | What\nHere | 1"


def test_a_script_address_is_no_address() -> None:
    assert plain_steps('<p><a href="javascript:alert(1)">press</a></p>', BASE) == "press"
