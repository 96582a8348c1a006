"""Language codes (ISO 639-1, with an optional region) and where a path carries one."""

from __future__ import annotations

import re

#: ISO 639-1. A path part or front-matter value counts as a language only if it stands here.
CODES = frozenset(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is
    it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms
    mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk
    sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi
    yo za zh zu
    """.split()
)

_TAG = re.compile(r"([a-z]{2})(?:[-_]([a-z]{2}|[0-9]{3}|[a-z]{4}))?", re.IGNORECASE)


def normalise(tag: str) -> str | None:
    """The two-letter code of a language tag (`pl`, `pt-BR`, `en_us`), or None where it names no language."""
    match = _TAG.fullmatch(tag.strip())
    code = match[1].lower() if match else ""
    return code if code in CODES else None
