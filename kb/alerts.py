"""The five kinds of alert, what other dialects call them, and their titles in the languages articles are written in."""

from __future__ import annotations

import re

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

#: Other dialects' words for the five alerts of GitHub.
KINDS = {
    "note": "note", "info": "note", "abstract": "note", "summary": "note", "todo": "note", "example": "note",
    "question": "note", "quote": "note", "seealso": "note", "more-info": "note", "moniker": "note",
    "tip": "tip", "hint": "tip", "success": "tip", "check": "tip", "done": "tip",
    "important": "important", "attention": "important",
    "warning": "warning", "warn": "warning",
    "caution": "caution", "danger": "caution", "error": "caution", "failure": "caution", "bug": "caution",
}  # fmt: skip

_TITLES = {
    "de": {"note": "Hinweis", "tip": "Tipp", "important": "Wichtig", "warning": "Warnung", "caution": "Vorsicht"},
    "es": {"note": "Nota", "tip": "Consejo", "important": "Importante", "warning": "Advertencia",
           "caution": "Precaución"},
    "fr": {"note": "Remarque", "tip": "Conseil", "important": "Important", "warning": "Avertissement",
           "caution": "Attention"},
    "it": {"note": "Nota", "tip": "Suggerimento", "important": "Importante", "warning": "Avviso",
           "caution": "Attenzione"},
    "nl": {"note": "Opmerking", "tip": "Tip", "important": "Belangrijk", "warning": "Waarschuwing",
           "caution": "Let op"},
    "pl": {"note": "Uwaga", "tip": "Wskazówka", "important": "Ważne", "warning": "Ostrzeżenie",
           "caution": "Przestroga"},
    "pt": {"note": "Nota", "tip": "Dica", "important": "Importante", "warning": "Aviso", "caution": "Cuidado"},
    "ru": {"note": "Примечание", "tip": "Совет", "important": "Важно", "warning": "Предупреждение",
           "caution": "Осторожно"},
}  # fmt: skip


def title(kind: str, lang: str) -> str:
    """What stands above an alert whose author gave it no title; English where the language has no word here."""
    return _TITLES.get(lang, {}).get(kind, kind.capitalize())


def container_kind(params: str) -> str | None:
    """The kind of alert a `:::` container is, or None where it is something else."""
    word = re.match(r"\s*(?:\{\s*)?\.?([A-Za-z-]+)", params)
    return KINDS.get(word[1].lower()) if word else None


def unify(state: StateCore) -> None:
    """All dialects' alerts get one markup, `<div class="alert alert-tip"><p class="alert-title">`, titled in `lang`."""
    lang = str(state.env.get("lang", "en"))
    tokens: list[Token] = []
    word = kind = "note"
    for token in state.tokens:
        if token.type in ("alert_open", "admonition_open", "container_note_open"):
            word = str(token.meta.get("kind") or token.meta.get("tag") or container_kind(token.info) or "note").lower()
            kind = KINDS.get(word, "note")
            token.attrSet("class", f"alert alert-{kind}")
            tokens.append(token)
            if token.type == "container_note_open":
                tokens.extend(_title(token, title(kind, lang)))
                token.type = "alert_open"
            continue
        if token.type in ("alert_title_open", "admonition_title_open"):
            token.attrSet("class", "alert-title")
        elif token.type == "container_note_close":
            token.type = "alert_close"
        elif tokens and tokens[-1].type in ("alert_title_open", "admonition_title_open"):
            _translate(token, word, title(kind, lang))
        tokens.append(token)
    state.tokens = tokens


def _translate(inline: Token, word: str, words: str) -> None:
    """A title that the parser made of the bare word is replaced; one that the author wrote stays."""
    if inline.content == word.title() and inline.children:
        inline.content = inline.children[0].content = words


def _title(opening: Token, untitled: str) -> list[Token]:
    """The title in `:::note Read this`, `:::note[Read this]` or `:::{.note title="Read this"}`, else `untitled`."""
    rest = re.sub(r"^[\s{.]*[A-Za-z-]+\s*\}?", "", opening.info)
    given = re.search(r'\btitle="([^"]*)"', rest) or re.match(r"\s*\[([^\]]*)\]", rest)
    words = given[1].strip() if given else re.sub(r'(?<![\w-])[\w-]+="[^"]*"', "", rest).strip(" []{}")
    text = Token("text", "", 0, content=words or untitled)
    inline = Token("inline", "", 0, content=text.content, children=[text], map=opening.map)
    start = Token("alert_title_open", "p", 1, attrs={"class": "alert-title"}, block=True)
    return [start, inline, Token("alert_title_close", "p", -1, block=True)]
