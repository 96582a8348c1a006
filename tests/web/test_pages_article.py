"""An article's page and what leads to it: dates and teams, addresses for programs, reads, notice, logo, weight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from kb.models import Article, Section
from tests.bot.samples import NOON
from tests.repositories import commit, git
from tests.web.site import ARTICLES, Site, build_site, open_site
from web.app import create_app
from web.desk import open_desk
from web.pages import sitemap
from web.pages.structured import steps_of, structured
from web.settings import Settings

BASE = "https://help.example.com"
_MAPS = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
LATER = ("en/accounts/unlock-account.md", "en/network/vpn.md")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Articles in git, of two days; the site's own address, a logo and a notice are in the settings."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "articles").mkdir()
    git(folder / "articles", "init", "-q")
    commit(folder / "articles", {**ARTICLES, "CODEOWNERS": "* @example/service-desk\n"}, "2026-01-01")
    commit(folder / "articles", {name: ARTICLES[name] + "\nMore.\n" for name in LATER}, "2026-02-28")
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    given: dict[str, Any] = {"base_url": f"{BASE}/", "logo": str(folder / "logo.svg")}
    changed = {name: text + ("\nMore.\n" if name in LATER else "") for name, text in ARTICLES.items()}
    with open_site(folder, changed, **given) as opened:
        yield opened


# --- dates and teams ------------------------------------------------------------------------------------------------


def test_an_article_says_when_it_changed_and_which_team_keeps_it(site: Site) -> None:
    assert "Last changed: 28 February 2026" in site.get("/en/articles/vpn").main
    assert "Team: Service desk" in site.get("/en/articles/vpn").main
    assert site.get("/pl/articles/reset-password").one("time").attrs["datetime"] == "2026-01-01"


def test_home_names_what_was_updated_last_in_the_reader_s_language(site: Site) -> None:
    page = site.get("/")
    assert "Recently updated" in [heading.text for heading in page.all("h2")]
    assert [time.attrs["datetime"] for time in page.all("time")] == ["2026-02-28"] * 2 + ["2026-01-01"] * 3
    assert [time.attrs["datetime"] for time in site.get("/?lang=pl").all("time")] == ["2026-01-01"]


def test_without_dates_and_reads_home_has_no_such_lists(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES) as plain:
        page = plain.get("/")
        assert [heading.text for heading in page.all("h2")] == ["Topics", "Did you not find it?"]
        assert "Last changed" not in plain.get("/en/articles/vpn").main


# --- addresses for programs -----------------------------------------------------------------------------------------


def test_pages_name_their_one_address_and_its_other_languages(site: Site) -> None:
    def named(address: str) -> tuple[str, dict[str, str]]:
        page = site.get(address)
        others = {link.attrs["hreflang"]: link.attrs["href"] for link in page.all("link", rel="alternate")}
        return page.one("link", rel="canonical").attrs["href"], others

    home = {"en": f"{BASE}/?lang=en", "pl": f"{BASE}/?lang=pl", "x-default": f"{BASE}/"}
    assert named("/") == (f"{BASE}/", home)
    assert named("/?lang=pl&utm=x") == (f"{BASE}/?lang=pl", home)
    assert named("/topics/network")[0] == f"{BASE}/topics/network"
    assert site.get("/").one("meta", name="description").attrs["content"].startswith("Help centre: answers")
    assert named("/en/articles/vpn?lang=pl&helpful=yes") == (f"{BASE}/en/articles/vpn", {})
    assert site.get("/search?q=vpn").all("link", rel="canonical") == []


def test_an_article_says_what_it_is_to_those_who_share_it(site: Site) -> None:
    page = site.get("/en/articles/vpn")
    said = {meta.attrs["property"]: meta.attrs["content"] for meta in page.all("meta") if "property" in meta.attrs}
    assert said == {
        "og:type": "article",
        "og:site_name": "Help centre",
        "og:title": "Connect to the VPN",
        "og:url": f"{BASE}/en/articles/vpn",
        "og:description": "Open the VPN client and select Connect. More.",
    }


def test_steps_are_a_how_to_and_everything_else_is_a_question_with_its_answer(site: Site) -> None:
    def data(address: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(site.get(address).one("script", type="application/ld+json").text)
        return found

    steps = data("/en/articles/reset-password")
    assert (steps["@type"], steps["name"], steps["dateModified"]) == (
        "HowTo",
        "Reset a forgotten password",
        "2026-01-01",
    )
    place = f"{BASE}/en/articles/reset-password#reset-it-yourself"
    assert steps["step"] == [
        {"@type": "HowToStep", "text": "Open the password page and type your address.", "url": place},
        {"@type": "HowToStep", "text": "Choose a new password.", "url": place},
    ]
    (question,) = data("/en/articles/vpn")["mainEntity"]
    assert question == {
        "@type": "Question",
        "name": "Connect to the VPN",
        "alternateName": ["how do I connect to the vpn"],
        "acceptedAnswer": {"@type": "Answer", "text": "Open the VPN client and select Connect. More."},
    }


def test_nothing_an_author_writes_leaves_the_script_element() -> None:
    article = Article(id="a", lang="en", title="</script><script>alert('1')</script> & <!--", body="", path="a.md")
    section = Section(0, "", (), "", "<p>x</p>", "</SCRIPT> text", (1, 1))
    made = str(structured(article, [section], f"{BASE}/en/articles/a", ""))
    assert not set("<>&'") & set(made)
    assert json.loads(made)["mainEntity"][0]["name"] == article.title


@pytest.mark.parametrize(
    ("html", "steps"),
    [
        ("<p>x</p><ol><li>One</li>\n<li><p>Two</p><p>more</p></li></ol><ol><li>Not</li></ol>", ["One", "Two more"]),
        ("<ol><li>One<ul><li>a</li><li>b</li></ul></li><li>Two<ol><li>c</li></ol> d</li></ol>", ["One a b", "Two c d"]),
        ("<ol><li>Alone</li></ol>", []),
        ("<ul><li>a</li><li>b</li></ul>", []),
        ("<ol><li>A &lt;b&gt; &amp; <code>c</code></li><li></li><li>D</li></ol>", ["A <b> & c", "D"]),
    ],
)
def test_the_steps_are_the_entries_of_the_first_ordered_list(html: str, steps: list[str]) -> None:
    assert steps_of(html) == steps


def _locations(text: str) -> dict[str, tuple[str | None, dict[str, str]]]:
    """Address -> (lastmod, hreflang -> address)."""
    return {
        str(url.findtext("s:loc", namespaces=_MAPS)): (
            url.findtext("s:lastmod", namespaces=_MAPS),
            {link.attrib["hreflang"]: link.attrib["href"] for link in url.findall("x:link", _MAPS)},
        )
        for url in ElementTree.fromstring(text).findall("s:url", _MAPS)  # noqa: S314 - our own
    }


def test_the_sitemap_has_every_public_page_in_every_language(site: Site) -> None:
    response = site.client.get("/sitemap.xml")
    assert response.headers["content-type"] == "application/xml"
    found = _locations(response.text)
    topics = {f"{BASE}/topics/{topic}?lang={lang}" for topic in ("accounts", "help-desk", "network") for lang in "ep"}
    english = ("reset-password", "unlock-account", "change-password", "two-factor", "vpn", "what-we-do")
    assert set(found) == {
        *(f"{BASE}/{query}" for query in ("", "?lang=en", "?lang=pl")),
        *(topic.removesuffix("=e").removesuffix("=p") + "=" + {"e": "en", "p": "pl"}[topic[-1]] for topic in topics),
        *(topic.partition("?")[0] for topic in topics),
        *(f"{BASE}/en/articles/{article}" for article in english),
        f"{BASE}/pl/articles/reset-password",
    }
    polish = f"{BASE}/pl/articles/reset-password"
    assert found[polish] == (
        "2026-01-01",
        {"en": f"{BASE}/en/articles/reset-password", "pl": polish, "x-default": f"{BASE}/en/articles/reset-password"},
    )
    assert found[f"{BASE}/en/articles/vpn"] == ("2026-02-28", {})
    assert found[f"{BASE}/topics/network"][0] == "2026-02-28"
    assert site.client.get("/robots.txt").text.endswith(f"\nSitemap: {BASE}/sitemap.xml\n")


def test_too_many_pages_for_one_sitemap_stand_in_several(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _locations(site.client.get("/sitemap.xml").text)
    assert site.client.get("/sitemap-1.xml").status_code == 404
    monkeypatch.setattr(sitemap, "AT_MOST", 10)
    index = ElementTree.fromstring(site.client.get("/sitemap.xml").text)  # noqa: S314
    files = [str(each.text) for each in index.findall("s:sitemap/s:loc", _MAPS)]
    assert files == [f"{BASE}/sitemap-1.xml", f"{BASE}/sitemap-2.xml"]
    parts = [_locations(site.client.get(file.removeprefix(BASE)).text) for file in files]
    assert parts[0] | parts[1] == whole
    assert [len(part) for part in parts] == [10, len(whole) - 10]
    assert [site.client.get(f"/sitemap-{n}.xml").status_code for n in ("0", "3", "x", "²")] == [404] * 4


# --- reads ----------------------------------------------------------------------------------------------------------


def test_only_people_reading_public_articles_are_counted_and_home_shows_what_they_read(tmp_path: Path) -> None:
    settings = Settings(data=build_site(tmp_path, ARTICLES))
    desk, engine = open_desk(settings)
    clock = [NOON]
    app = create_app(settings, replace(desk, now=lambda: clock[0]), engine)
    with TestClient(app, base_url="http://help.example") as client:
        for article in ("vpn", "two-factor", "reset-password"):
            for _ in range(5):
                client.get(f"/en/articles/{article}")
        client.get("/pl/articles/reset-password")
        for headers in (
            {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
            {"user-agent": "curl/8.0"},
            {"user-agent": ""},
            {"sec-purpose": "prefetch;prerender"},
        ):
            client.get("/en/articles/change-password", headers=headers)
        client.head("/en/articles/change-password")
        client.get("/en/articles/verify-caller")
        client.get("/en/articles/no-such-thing")

        clock[0] = NOON + timedelta(minutes=2)  # the server may have looked by itself meanwhile
        app.state.readership.refresh()
        assert app.state.readership.most_read == ("reset-password", "two-factor", "vpn")
        html = client.get("/?lang=pl").text
        assert html.index("/pl/articles/reset-password", html.index('class="picks"')) > 0
        client.get("/en/articles/vpn")
    # What was counted last is written when the server stops.
    reading, _ = open_desk(settings)
    with reading.learning._engine.connect() as connection:  # type: ignore[attr-defined]
        rows = connection.exec_driver_sql("SELECT article_id, reads FROM article_reads ORDER BY 1").all()
        assert [tuple(row) for row in rows] == [("reset-password", 6), ("two-factor", 5), ("vpn", 6)]
    reading.learning._engine.dispose()  # type: ignore[attr-defined]


# --- notice and logo ------------------------------------------------------------------------------------------------


def test_a_notice_stands_on_the_pages_where_people_look_for_help_until_it_is_emptied(site: Site) -> None:
    file = site.app.state.settings.data / "notice.md"
    file.write_text("---\nlevel: warning\n---\n**E-mail** is down. <script>alert(1)</script>\n")
    for address in ("/", "/search?q=vpn", "/en/articles/vpn", "/ticket", "/no-such-page"):
        banner = site.get(address).one("div", role="region")
        assert (banner.attrs["aria-label"], " ".join(banner.text.split())) == ("Important notice", "E-mail is down.")
    assert site.get("/api").all("div", role="region") == []
    file.write_text("")
    assert site.get("/").all("div", role="region") == []


def test_the_logo_stands_for_the_name_and_can_do_nothing(site: Site) -> None:
    image = site.get("/").one("img", cls="logo")
    response = site.client.get(image.attrs["src"])
    assert image.attrs["alt"] == "Help centre"
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def test_without_a_logo_there_is_none(tmp_path: Path) -> None:
    with open_site(tmp_path, {"a.md": "# A\n\nText."}) as plain:
        assert plain.client.get("/logo").status_code == 404
        assert plain.get("/").all("img", cls="logo") == []


# --- wrong addresses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("/en/articles/forgoten-pasword", "/en/articles/reset-password"),  # an old slug, mistyped
        ("/pl/articles/resset-password", "/pl/articles/reset-password"),  # an English id, read in Polish
        ("/help/articles/two-facter.html", "/en/articles/two-factor"),
        ("/pl/articles/zapomnialem-hasla", "/pl/articles/reset-password"),
    ],
)
def test_a_mistyped_address_suggests_its_article_in_the_language_of_the_address(
    site: Site, address: str, first: str
) -> None:
    page = site.get(address)
    assert page.status == 404
    assert next(link for link in page.links if "/articles/" in link) == first


# --- weight ---------------------------------------------------------------------------------------------------------


def _sent(client: TestClient, address: str) -> int:
    """Bytes of the body as they go over the wire."""
    with client.stream("GET", address, headers={"accept-encoding": "gzip"}) as response:
        assert response.status_code == 200
        return sum(map(len, response.iter_raw()))


def test_a_page_with_its_styles_and_scripts_is_under_60_kilobytes(site: Site) -> None:
    for address in ("/", "/search?q=I+forgot+my+password", "/en/articles/reset-password", "/ticket"):
        page = site.get(address)
        parts = [e.attrs["src"] for e in page.all("script") if "src" in e.attrs]
        parts += [e.attrs["href"] for e in page.all("link", rel="stylesheet")]
        assert sum(_sent(site.client, part) for part in [address, *parts]) < 60_000, address


def test_only_what_holds_nothing_a_reader_typed_is_compressed(site: Site) -> None:
    def encoding(address: str) -> str:
        return site.client.get(address, headers={"accept-encoding": "gzip"}).headers.get("content-encoding", "")

    style = next(e.attrs["href"] for e in site.get("/").all("link", rel="stylesheet"))
    assert [encoding(address) for address in ("/", "/en/articles/vpn", "/topics/accounts", style)] == ["gzip"] * 4
    assert [encoding(address) for address in ("/ticket", "/search?q=vpn", "/authors", "/api")] == [""] * 4
    assert "Accept-Encoding" in site.client.get("/").headers["vary"]
