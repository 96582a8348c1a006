"""Home, topics and articles: what is shown, in which language, and what never is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.web.site import ARTICLES, SECRET, Page, Site, build_site, open_site
from web.middleware import CONTENT_SECURITY_POLICY
from web.words import words


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Shared: no test of this file changes it."""
    with open_site(tmp_path_factory.mktemp("site"), ARTICLES, rate_questions="") as opened:
        yield opened


@pytest.fixture(scope="module")
def linked(site: Site) -> dict[str, Page]:
    """Every page that links lead to from the first one."""
    return walk(site, {}, "/")


def walk(site: Site, known: Mapping[str, Page], *starts: str) -> dict[str, Page]:
    """The known pages and every one that links lead to from the starts, by its address.

    Each search is a new question, whose number stands in the links to a ticket in eight languages: one is enough.
    """
    seen = dict(known)
    numberless = {_numberless(address) for address in seen}
    waiting = list(starts)
    while waiting:
        address = waiting.pop().partition("#")[0]
        if _numberless(address) in numberless:
            continue
        numberless.add(_numberless(address))
        response = site.client.get(address)
        if not response.headers.get("content-type", "").startswith("text/html"):
            continue
        seen[address] = page = Page(response)
        for link in page.links:
            target = urljoin(f"http://help.example{address}", link)
            if urlsplit(target).netloc == "help.example":
                waiting.append(target.removeprefix("http://help.example"))
    return seen


def _numberless(address: str) -> str:
    return re.sub("question_id=[0-9a-f]{32}", "question_id=", address)


# --- everything that can be reached ------------------------------------------------------------------------------


def test_every_page_that_links_lead_to_answers(linked: dict[str, Page]) -> None:
    assert {address: page.status for address, page in linked.items() if page.status != 200} == {}
    pages = {"/", "/topics/accounts", "/en/articles/vpn", "/search", "/ticket", "/sign-in", "/api", "/widget"}
    assert pages <= set(linked)


def test_no_page_shows_anything_of_an_article_that_is_not_public(site: Site, linked: dict[str, Page]) -> None:
    starts = [
        "/",
        "/?lang=pl",
        f"/search?q={SECRET}",
        "/search?q=how+do+I+verify+a+caller",
        "/search?q=quixotic+check",
        "/search?q=identity+team",
        "/ticket?subject=how+do+I+verify+a+caller",
        "/en/articles/quixotic-caller",
    ]
    pages = walk(site, linked, *starts)
    others = {address: page for address, page in pages.items() if SECRET not in address}
    assert [address for address, page in others.items() if SECRET in page.html.casefold()] == []
    # What was asked for stands in the box and in the ticket's subject, and nowhere else.
    asked = pages[f"/search?q={SECRET}"]
    assert SECRET not in asked.main


@pytest.mark.parametrize("address", ["/en/articles/verify-caller", "/en/articles/team-only", "/en/articles/quixotic"])
def test_the_address_of_an_internal_article_is_as_unknown_as_any_other(site: Site, address: str) -> None:
    page, other = site.get(address), site.get("/en/articles/no-such-thing")
    assert (page.status, page.title) == (other.status, other.title) == (404, "There is no page here")


def test_a_topic_with_internal_articles_alone_does_not_exist(site: Site) -> None:
    assert site.get("/topics/internal").status == 404
    assert "/topics/internal" not in site.get("/").links


def test_every_page_carries_the_policy_and_nothing_inline(site: Site, linked: dict[str, Page]) -> None:
    pages = walk(
        site,
        linked,
        "/nothing-here",
        "/search?q=I+forgot+my+password",
        "/search?q=xylophone",
        "/ticket?subject=vpn+vpn+vpn",
    )
    for address, page in pages.items():
        assert page.response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY, address
        assert page.all("style") == [], address
        scripts = [element for element in page.all("script") if element.attrs.get("type") != "application/ld+json"]
        assert [element for element in scripts if not element.attrs.get("src", "").startswith("/")] == []
        assert [element.text for element in scripts if element.text.strip()] == [], address
        named = {name for element in page.elements for name in element.attrs}
        assert {name for name in named if name == "style" or name.startswith("on")} == set(), address


def test_no_page_loads_anything_from_another_site(linked: dict[str, Page]) -> None:
    for address, page in linked.items():
        loaded = [
            element.attrs.get("src", "/") for element in page.elements if element.tag in ("img", "script", "iframe")
        ]
        named = ("alternate", "canonical")
        loaded += [element.attrs["href"] for element in page.all("link") if element.attrs["rel"] not in named]
        assert [source for source in loaded if source and not re.match(r"/(?!/)", source)] == [], address
    assert "img-src 'self'" in CONTENT_SECURITY_POLICY


def test_ids_are_unique_and_labels_and_descriptions_point_to_them(site: Site, linked: dict[str, Page]) -> None:
    for address, page in walk(site, linked, "/search?q=I+forgot+my+password", "/ticket").items():
        ids = [element.attrs["id"] for element in page.elements if "id" in element.attrs]
        assert len(ids) == len(set(ids)), address
        wanted = {element.attrs["for"] for element in page.all("label")}
        for name in ("aria-labelledby", "aria-describedby"):
            wanted |= {word for element in page.elements for word in element.attrs.get(name, "").split()}
        assert wanted - set(ids) == set(), address


def test_each_page_has_one_heading_of_the_first_level_and_skips_none(site: Site, linked: dict[str, Page]) -> None:
    for address, page in walk(site, linked, "/search?q=I+forgot+my+password").items():
        levels = [int(element.tag[1]) for element in page.elements if re.fullmatch(r"h[1-6]", element.tag)]
        assert (levels[0], levels.count(1)) == (1, 1), address
        assert [(a, b) for a, b in pairwise(levels) if b > a + 1] == [], address


# --- home and topics ---------------------------------------------------------------------------------------------


def test_home_shows_topics_by_the_names_of_their_folders_with_counts(site: Site) -> None:
    page = site.get("/")
    headings = [" ".join(element.text.split()) for element in page.all("h3")]
    assert headings == ["Accounts 4 articles", "Help desk 1 article", "Network 1 article"]
    assert next(link for link in page.links if link.startswith("/topics/")) == "/topics/accounts"


def test_home_names_five_articles_of_a_topic_and_links_to_all(tmp_path: Path) -> None:
    many = {f"en/mail/a{n:03}.md": f"# Article {n:03}\n\nAbout mail {n}." for n in range(101)}
    with open_site(tmp_path, {**many, "en/other.md": "# Other\n\nSomething."}) as site:
        page = site.get("/")
        assert len([link for link in page.links if "/articles/mail" in link]) == 5
        assert [element.text for element in page.all("a") if "All 101" in element.text] == ["All 101 articles in Mail"]
        first, second = site.get("/topics/mail"), site.get("/topics/mail?page=2")
        assert len([link for link in first.links if "/articles/" in link]) == 100
        assert [link for link in second.links if "/articles/" in link] == ["/en/articles/mail/a100"]
        assert first.one("a", rel="next").attrs["href"] == "/topics/mail?page=2"
        assert second.one("a", rel="prev").attrs["href"] == "/topics/mail?page=1"
        assert site.get("/topics/mail?page=99").main == second.main
        assert site.get("/topics/mail?page=x").main == first.main


def test_articles_without_a_topic_stand_under_one_of_their_own(tmp_path: Path) -> None:
    with open_site(tmp_path, {"one.md": "# One\n\nText.", "two.md": "# Two\n\nText."}) as site:
        assert [" ".join(element.text.split()) for element in site.get("/").all("h3")] == ["All articles 2 articles"]
        assert site.get("/topics/_").title == "All articles"


def test_a_site_without_public_articles_says_so(tmp_path: Path) -> None:
    with open_site(tmp_path, {"a.md": "---\naudience: internal\n---\n# A\n\nText."}) as site:
        page = site.get("/")
        assert "No articles yet" in page.main
        assert [site.get(address).status for address in ("/search?q=text", "/ticket", "/search")] == [200, 200, 200]


# --- languages ---------------------------------------------------------------------------------------------------


def titles(page: Page) -> list[tuple[str, str]]:
    """(language, title) of the articles that the page lists."""
    return [(a.attrs["lang"], a.text) for a in page.all("a") if "/articles/" in a.attrs.get("href", "")]


def test_the_asked_language_is_shown_and_what_is_missing_falls_back_marked(site: Site) -> None:
    page = site.get("/topics/accounts?lang=pl")
    assert titles(page)[0] == ("pl", "Resetowanie zapomnianego hasła")
    assert [lang for lang, _ in titles(page)[1:]] == ["en", "en", "en"]
    assert [element.text for element in page.all("span", cls="tag")] == ["English"] * 3


@pytest.mark.parametrize(
    ("accepted", "shown"),
    [
        ("pl", "pl"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("en;q=0.5, pl;q=0.9", "pl"),
        ("de, pl;q=0", "en"),
        ("xx;;;, *", "en"),
        ("", "en"),
    ],
)
def test_the_browser_s_language_is_taken_where_articles_exist_in_it(site: Site, accepted: str, shown: str) -> None:
    page = site.get("/topics/accounts", accept_language=accepted)
    assert {lang for lang, title in titles(page) if "forgotten" in title or "zapomnianego" in title} == {shown}


def test_the_language_of_the_settings_wins_where_the_browser_asks_for_none_of_ours(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES, default_lang="pl") as site:
        assert titles(site.get("/topics/accounts", accept_language="sv"))[0][0] == "pl"


def test_an_unknown_language_is_as_if_none_was_asked_for(site: Site) -> None:
    for asked in ("xx", "de", "../../etc", "<b>"):
        assert titles(site.get(f"/topics/accounts?lang={asked}")) == titles(site.get("/topics/accounts"))


def test_links_keep_a_language_that_is_not_the_browser_s_own(site: Site) -> None:
    page = site.get("/?lang=pl")
    assert {"/?lang=pl", "/ticket?lang=pl", "/topics/accounts?lang=pl"} <= set(page.links)
    assert "/ticket" in site.get("/?lang=pl", accept_language="pl").links


def test_the_switch_offers_every_language_of_the_interface_and_of_the_articles(site: Site, tmp_path: Path) -> None:
    assert [a.attrs["href"] for a in site.get("/search?q=vpn").all("a", hreflang="pl") if "?" in a.attrs["href"]] == [
        "?q=vpn&lang=pl"
    ]
    english = {name: text for name, text in ARTICLES.items() if name.startswith("en/network")}
    with open_site(tmp_path, english) as alone:
        shown = [a.attrs["href"] for a in alone.get("/").all("a") if a.attrs["href"].startswith("?lang=")]
    assert shown == [f"?lang={lang}" for lang in ("de", "en", "es", "fr", "it", "nl", "pl", "ru")]


def test_the_switch_of_a_wrong_address_never_leads_to_another_site(site: Site) -> None:
    page = site.get("http://help.example//evil.example/x")
    assert [a.attrs["href"] for a in page.all("a", hreflang="pl")] == ["?lang=pl"]


# --- an article --------------------------------------------------------------------------------------------------


def test_an_article_shows_its_place_title_and_sections_with_their_anchors(site: Site) -> None:
    page = site.get("/en/articles/reset-password")
    assert page.title == "Reset a forgotten password"
    assert [link for link in page.links if link in ("/topics/accounts",)] == ["/topics/accounts"]
    entry = site.app.state.desk.library.searcher.snapshot.entry(("reset-password", "en"))
    anchors = [section.anchor for section in entry.sections if section.heading]
    assert anchors == ["reset-it-yourself", "if-it-is-refused", "reset-it-yourself-1"]
    assert [
        e.attrs["id"] for e in page.elements if re.fullmatch("h[23]", e.tag) and e.attrs.get("id") in anchors
    ] == anchors
    in_contents_and_beside_the_heading = [f"#{anchor}" for anchor in anchors] * 2
    assert [link for link in page.links if link.startswith("#") and "fl-" not in link] == (
        in_contents_and_beside_the_heading
    )


def test_an_article_names_its_other_languages(site: Site) -> None:
    page = site.get("/en/articles/reset-password")
    assert {a.attrs["href"] for a in page.all("a", hreflang="pl")} == {"/pl/articles/reset-password"}
    assert {link.attrs["hreflang"]: link.attrs["href"] for link in page.all("link", rel="alternate")} == {
        "en": "http://help.example/en/articles/reset-password",
        "pl": "http://help.example/pl/articles/reset-password",
        "x-default": "http://help.example/en/articles/reset-password",
    }
    assert page.one("link", rel="canonical").attrs["href"] == "http://help.example/en/articles/reset-password"
    assert page.one("article").attrs["lang"] == "en"
    assert site.get("/pl/articles/reset-password").one("article").attrs["lang"] == "pl"


def test_related_articles_are_three_to_five_public_ones_in_the_same_language(site: Site) -> None:
    for address in ("/en/articles/reset-password", "/en/articles/vpn", "/en/articles/what-we-do"):
        page = site.get(address)
        related = [link for link in page.links if "/articles/" in link and not link.startswith("/pl/")]
        related = [link for link in related if link != address]
        assert 3 <= len(related) == len(set(related)) <= 5
        assert all(link.startswith("/en/articles/") for link in related)
        assert not {"/en/articles/verify-caller", "/en/articles/team-only"} & set(related)


def test_an_article_links_to_the_ticket_form(site: Site) -> None:
    assert "/ticket" in site.get("/en/articles/vpn").links


def test_markup_of_an_article_that_could_run_is_gone(site: Site) -> None:
    page = site.get("/en/articles/what-we-do")
    assert {element.attrs.get("src", "").partition("?")[0] for element in page.all("script")} == {
        "",  # structured data
        "/static/article.js",
        "/static/menu.js",
        "/static/search.js",
    }
    assert "alert(" not in page.html


def test_remote_pictures_are_words_and_own_ones_are_served(site: Site) -> None:
    page = site.get("/en/articles/reset-password")
    (picture,) = [image for image in page.all("img") if image.attrs["src"] != "/favicon.svg"]
    assert "elsewhere.example" not in page.html
    response = site.client.get(picture.attrs["src"])
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["nothing.svg", "..%2fmanifest.json", "manifest.json", "%00.png"])
def test_only_pictures_of_articles_are_served(site: Site, name: str) -> None:
    assert site.client.get(f"/pictures/{name}").status_code == 404


def test_an_article_that_is_not_translated_is_read_in_another_language_and_says_so(site: Site) -> None:
    moved = site.client.get("/pl/articles/vpn")
    assert (moved.status_code, moved.headers["location"]) == (302, "/en/articles/vpn?lang=pl")
    page = site.get(moved.headers["location"])
    said = words("pl").gettext(
        "This article is not translated into your language yet. Language of this text: %(written)s.",
        written="angielski",
    )
    assert said in page.main
    assert "/ticket?lang=pl" in page.links


def test_an_article_from_a_list_in_another_language_keeps_the_reader_s_language(site: Site) -> None:
    assert "/en/articles/vpn?lang=pl" in site.get("/topics/network?lang=pl").links


# --- old and wrong addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old",
    [
        "/en/articles/forgotten-password",
        "/old/help/password.html",
        "/forgotten-password",
        "/pl/articles/forgotten-password",
    ],
)
def test_an_old_slug_leads_to_the_article_for_good(site: Site, old: str) -> None:
    response = site.client.get(old)
    assert (response.status_code, response.headers["location"]) == (301, "/en/articles/reset-password")


def test_a_wrong_address_suggests_articles_by_its_words(site: Site) -> None:
    page = site.get("/en/articles/reset-pasword.html")
    assert page.status == 404
    assert page.title == "There is no page here"
    assert "Were you looking for one of these?" in page.main
    assert next(link for link in page.links if "/articles/" in link).startswith("/en/articles/reset-password")
    box = next(element for element in page.all("input") if element.attrs.get("id") == "fl-q")
    assert box.attrs["value"] == "reset pasword"


@pytest.mark.parametrize("address", ["/static/none.js", "/wp-login.php", "/%F0%9F%98%80", "/en/articles/", "/topics/"])
def test_an_address_without_words_is_told_without_suggestions(site: Site, address: str) -> None:
    page = site.get(address)
    assert (page.status, page.title) == (404, "There is no page here")
    assert "Were you looking" not in page.main


def test_pages_answer_head_as_link_checkers_ask(site: Site) -> None:
    response = site.client.head("/en/articles/vpn")
    assert (response.status_code, response.text) == (200, "")


def test_a_method_that_no_page_has_is_refused_in_the_look_of_the_site(site: Site) -> None:
    page = site.post("/", {})
    assert (page.status, page.title) == (405, "This page cannot be used that way")


def test_an_error_of_ours_is_a_page_and_tells_nothing_of_its_inside(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web.pages import reading

    def broken(*_: object) -> object:
        raise RuntimeError("inner words")

    monkeypatch.setattr(reading, "catalogue", broken)
    page = site.get("/en/articles/vpn")
    assert (page.status, page.title) == (500, "Something went wrong on our side")
    assert "inner words" not in page.html


def test_a_new_snapshot_shows_on_the_next_page(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES) as site:
        assert site.get("/topics/phones").status == 404
        build_site(tmp_path, {"en/phones/ring.md": "# The phone does not ring\n\nTurn it up."})
        assert site.app.state.desk.library.refresh() is True
        assert "/en/articles/phones/ring" in site.get("/topics/phones").links
