"""What belongs to the whole site: colours, the widget, the API's page, what robots may read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.site import ARTICLES, Site, open_site
from web.pages.templates import STATIC
from web.pages.theme import DARK_SURFACE, LIGHT_SURFACE, READABLE, contrast, stylesheet
from web.pages.widget import SCRIPTS

_COLOR = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    given = {"accent_color": "#ffdd00", "site_name": "Help & <care>", "widget_origins": ("https://shop.example",)}
    with open_site(tmp_path_factory.mktemp("site"), ARTICLES, **given) as opened:
        yield opened


@given(_COLOR)
def test_any_accent_colour_can_be_read_on_both_grounds_and_written_on(accent: str) -> None:
    light, dark = stylesheet(accent).split("@media")
    for text, ground in ((light, LIGHT_SURFACE), (dark, DARK_SURFACE)):
        token = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text))
        assert contrast(token["accent"], ground) >= READABLE
        assert contrast(token["on-accent"], token["accent"]) >= READABLE
        assert contrast(token["on-accent"], token["accent-hover"]) >= READABLE


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#ffffff", "#000000") == 21.0
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777")
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_the_colours_are_a_stylesheet_that_changes_its_address_with_the_settings(site: Site) -> None:
    (theme,) = [e.attrs["href"] for e in site.get("/").all("link", rel="stylesheet") if "theme" in e.attrs["href"]]
    response = site.client.get(theme)
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "--accent:" in response.text


def test_the_name_of_the_site_is_text_on_every_page(site: Site) -> None:
    page = site.get("/")
    assert page.one("title").text == "Home – Help & <care>"
    assert "<care>" not in page.html


def test_the_icon_has_the_accent_colour(site: Site) -> None:
    response = site.client.get("/favicon.svg")
    assert response.headers["content-type"] == "image/svg+xml"
    assert 'fill="#ffdd00"' in response.text


def test_robots_stay_away_from_forms_and_searches(site: Site) -> None:
    response = site.client.get("/robots.txt")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert {"Disallow: /search", "Disallow: /ticket", "Disallow: /authors"} <= set(response.text.splitlines())
    assert "Disallow: /en" not in response.text


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_widget_may_be_loaded_by_other_sites_packed_and_renewed_soon(site: Site, name: str) -> None:
    response = site.client.get(f"/{name}", headers={"Origin": "https://stranger.example", "Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["access-control-allow-origin"] == "*"  # it is imported, and imports ask for leave
    assert response.headers["cache-control"] == "public, max-age=300"
    plain = site.client.get(f"/{name}", headers={"Accept-Encoding": "identity"})
    assert plain.text == response.text
    # Nothing that runs is lost: what is left out are comments and white space at the ends of lines.
    source = re.sub(r"/\*.*?\*/", "", (STATIC / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line.strip() for line in source.splitlines() if line.strip() and not line.strip().startswith("//")]
    for line, sent in zip(lines, plain.text.splitlines(), strict=True):
        assert line.startswith(sent)
        assert line[len(sent) :].strip()[:2] in ("", "//")


def test_the_widget_s_page_shows_the_one_tag_to_copy_with_the_own_address(site: Site) -> None:
    page = site.get("/widget")
    assert [e.attrs["src"] for e in page.all("script") if "/static/" not in e.attrs["src"]] == ["/widget.js"]
    assert '<script src="http://help.example/widget.js" async></script>' in [e.text for e in page.all("code")]
    assert "https://shop.example" in page.main


def test_the_api_s_page_names_every_endpoint_parameter_and_error(site: Site) -> None:
    page = site.get("/api")
    document = site.client.get("/api/v1/openapi.json").json()
    codes = {e.text for e in page.all("code")}
    assert set(document["paths"]) <= codes
    for operations in document["paths"].values():
        for operation in operations.values():
            assert {parameter["name"] for parameter in operation.get("parameters", [])} <= codes
            assert operation["summary"] in {e.text for e in page.all("h2")}
    assert {"question_invalid", "idempotency_key_reused", "store_unavailable"} <= codes
    anchors = {e.attrs["id"] for e in page.elements if "id" in e.attrs}
    assert {link[1:] for link in page.links if link.startswith("#")} <= anchors


def test_the_examples_of_the_api_s_page_are_commands_that_work(site: Site) -> None:
    """The first one, taken apart: what a reader pastes gives an answer."""
    command = next(e.text for e in site.get("/api").all("pre") if "/ask" in e.text)
    body = re.search(r"-d '(.*)'", command)
    assert body is not None
    response = site.client.post("/api/v1/ask", content=body[1], headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["decision"]) == (200, "answer")
