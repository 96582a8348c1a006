"""Which encoder reads which language.

An encoder made for some languages reads those better than one made for all (on English support tickets all-MiniLM-L6-v2
has .36 hit@1, multilingual-e5-small .29), and no others. So with both, English questions meet English articles through
the first, and everything else goes through the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kb import e5
from kb.embedding import Embedder
from kb.export import DEFAULT_MODEL, KNOWN

#: Chooses encoders by the languages of the articles.
AUTO = "auto"


def models_for(model: str, languages: Iterable[str]) -> tuple[str, ...]:
    """The models a base needs: `model` itself, or for AUTO those that read all `languages`, special ones first."""
    if model != AUTO:
        return (model,)
    special = KNOWN[DEFAULT_MODEL].languages
    found = set(languages)
    if found <= set(special):
        return (DEFAULT_MODEL,)
    return (DEFAULT_MODEL, e5.NAME) if found & set(special) else (e5.NAME,)


def readers(embedders: Sequence[Embedder], lang: str) -> tuple[Embedder, ...]:
    """Those that read articles in `lang`, the best one first; all where none is made for it."""
    special = [embedder for embedder in embedders if lang in embedder.languages]
    general = [embedder for embedder in embedders if not embedder.languages]
    return tuple(special + general) or tuple(embedders)
