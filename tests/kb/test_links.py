from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.articles import load
from kb.links import Resolver, article_path
from kb.models import Article, ArticleKey
from tests.conftest import Write

_PICTURE = b"\x89PNG\r\n\x1a\nsome bytes"
_NAME = "00f01ca94f3b30a1.png"


def _resolver(folder: Path) -> tuple[Resolver, dict[str, Article]]:
    articles = load(folder).articles
    return Resolver.of(folder, articles), {article.path: article for article in articles}


@pytest.fixture
def folder(write: Write) -> Path:
    folder = write(
        {
            "en/accounts/reset.md": "Text",
            "en/accounts/my lock.md": "Text",
            "en/network/vpn.md": "---\nid: connect-vpn\n---\nText",
            "pl/accounts/reset.md": "Text",
            "includes/part.md": "A part",
        }
    )
    (folder / "images").mkdir()
    (folder / "images" / "a b.png").write_bytes(_PICTURE)
    (folder / "images" / "notes.txt").write_text("secret")
    (folder.parent / "outside.png").write_bytes(_PICTURE)
    (folder.parent / "outside.md").write_text("outside")
    return folder


def test_an_address_is_quoted() -> None:
    assert article_path(ArticleKey("a/b c?", "pl"), "się & co") == "/pl/articles/a/b%20c%3F#si%C4%99%20%26%20co"
    assert article_path(ArticleKey("a", "en")) == "/en/articles/a"


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("my%20lock.md", "/en/articles/accounts/my%20lock"),
        ("./my%20lock.md#find-it", "/en/articles/accounts/my%20lock#find-it"),
        ("../network/vpn.md#step-1", "/en/articles/connect-vpn#step-1"),
        ("../network/vpn", "/en/articles/connect-vpn"),
        ("../network/vpn.md?view=x#y", "/en/articles/connect-vpn#y"),
        ("/en/network/vpn.md", "/en/articles/connect-vpn"),
        ("~/en/network/vpn.md", "/en/articles/connect-vpn"),
        ("../../pl/accounts/reset.md", "/pl/articles/accounts/reset"),
        ("../../pl/accounts/reset.md#has%C5%82o", "/pl/articles/accounts/reset#has%C5%82o"),
    ],
)
def test_a_link_to_an_article_becomes_its_address_on_the_site(folder: Path, href: str, address: str) -> None:
    resolver, articles = _resolver(folder)
    assert resolver.link(articles["en/accounts/reset.md"], href) == address


@pytest.mark.parametrize(
    "href",
    [
        *(
            "",
            "#anchor",
            "?q=1",
            "https://example.com/a.md",
            "//example.com/vpn.md",
            "mailto:a@example.com",
            "missing.md",
        ),
        *("/ticket", "../../../../etc/passwd", "//[", " //[", "a\x00b.md", "javascript:alert(1)", "x" * 5_000),
    ],
)
def test_any_other_link_stays_as_it_was_written(folder: Path, href: str) -> None:
    resolver, articles = _resolver(folder)
    assert resolver.link(articles["en/accounts/reset.md"], href) == href


@pytest.mark.parametrize(
    "src", ["../../images/a%20b.png", "/images/a%20b.png", "~/images/a%20b.png", "../../images/a%20b.png?x=1#y"]
)
def test_a_picture_of_the_source_is_served_under_the_hash_of_its_content(folder: Path, src: str) -> None:
    resolver, articles = _resolver(folder)
    address = resolver.picture(articles["en/accounts/reset.md"], src)
    assert list(resolver.pictures.items()) == [(address.removeprefix("/pictures/"), folder / "images" / "a b.png")]
    assert (address[:10], len(address), address[-4:]) == ("/pictures/", len("/pictures/") + 16 + 4, ".png")


def test_the_same_picture_under_two_names_is_kept_once(folder: Path) -> None:
    (folder / "images" / "copy.png").write_bytes(_PICTURE)
    resolver, articles = _resolver(folder)
    article = articles["en/accounts/reset.md"]
    assert resolver.picture(article, "/images/copy.png") == resolver.picture(article, "/images/a%20b.png")
    assert len(resolver.pictures) == 1


@pytest.mark.parametrize(
    "src",
    [
        *(
            "../../../outside.png",
            "../../../../../../../../etc/passwd",
            "/../outside.png",
            "~/../outside.png",
            "/etc/passwd",
        ),
        *(
            "..%2f..%2f..%2foutside.png",
            "../../images/../../outside.png",
            "https://example.com/a.png",
            "//example.com/a.png",
        ),
        *(
            "data:image/png;base64,AA",
            "../../images/notes.txt",
            "../../images",
            "missing.png",
            "",
            "\0.png",
            "x" * 5_000,
        ),
        *("//[", " //[x.png", "file:///etc/passwd", "../accounts/reset.md"),
    ],
)
def test_no_picture_comes_from_outside_the_source_or_is_no_picture(folder: Path, src: str) -> None:
    resolver, articles = _resolver(folder)
    assert resolver.picture(articles["en/accounts/reset.md"], src) == ""
    assert resolver.pictures == {}


def test_a_symlink_that_leads_out_of_the_source_names_no_picture(folder: Path) -> None:
    (folder / "images" / "link.png").symlink_to(folder.parent / "outside.png")
    resolver, articles = _resolver(folder)
    assert resolver.picture(articles["en/accounts/reset.md"], "/images/link.png") == ""


def test_a_picture_of_more_than_five_megabytes_is_not_served(folder: Path) -> None:
    (folder / "images" / "big.png").write_bytes(b"x" * 5_000_001)
    resolver, articles = _resolver(folder)
    assert resolver.picture(articles["en/accounts/reset.md"], "/images/big.png") == ""


def test_a_source_without_files_beside_it_has_no_pictures_and_no_fragments() -> None:
    article = Article(id="1", lang="en", title="T", body="B", path="docs.jsonl:1")
    resolver = Resolver.of(None, [article])
    assert (resolver.picture(article, "a.png"), resolver.fragment(article, "a.md")) == ("", None)


def test_a_fragment_of_the_source_is_read(folder: Path) -> None:
    resolver, articles = _resolver(folder)
    article = articles["en/accounts/reset.md"]
    assert resolver.fragment(article, "../../includes/part.md") == "A part"
    assert resolver.fragment(article, "~/includes/part.md") == "A part"


@pytest.mark.parametrize(
    "path", ["../../../outside.md", "/../outside.md", "missing.md", "../../images/notes.txt", ".."]
)
def test_no_fragment_comes_from_outside_the_source_or_is_no_markdown(folder: Path, path: str) -> None:
    resolver, articles = _resolver(folder)
    assert resolver.fragment(articles["en/accounts/reset.md"], path) is None


@given(st.text("./~%2fF#?[]:\\@a \t\n\0é", max_size=25))
def test_no_address_breaks_the_resolver_or_leaves_the_source(address: str) -> None:
    article = Article(id="a/a", lang="en", title="T", body="B", path="a/a.md")
    resolver = Resolver.of(Path(__file__).parent, [article])
    assert resolver.link(article, address) in (address, *(f"/en/articles/a/a{end}" for end in _ends(address)))
    assert resolver.picture(article, address) == ""


def _ends(address: str) -> set[str]:
    from urllib.parse import quote, unquote

    fragment = "".join(char for char in address.partition("#")[2] if char not in "\t\r\n")
    return {"", f"#{quote(unquote(fragment))}", f"#{quote(unquote(fragment.rstrip()))}"}
