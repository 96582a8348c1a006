from __future__ import annotations

import pytest

from kb.models import Article, ArticleKey, Skipped


@pytest.mark.parametrize(
    ("skipped", "text"),
    [
        (Skipped("a.md", "empty"), "a.md: empty"),
        (Skipped("a.md", "not text", "why", 3, "Do this."), "a.md:3: not text: why. Do this."),
        (Skipped("a.md", "draft", "status: draft"), "a.md: draft: status: draft"),
        (Skipped("a.md", "too large", fix="Split it."), "a.md: too large. Split it."),
    ],
)
def test_a_skipped_file_reads_as_place_reason_and_what_to_do(skipped: Skipped, text: str) -> None:
    assert str(skipped) == text


def test_a_key_names_an_article_in_one_language() -> None:
    article = Article(id="reset", lang="pl", title="T", body="B", path="p")
    assert (article.key, str(article.key)) == (ArticleKey("reset", "pl"), "reset (pl)")
