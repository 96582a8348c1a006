"""`/sitemap.xml`: every public page in every language, for search engines (sitemaps.org, with hreflang)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kb.links import article_path
from web.pages.catalogue import Catalogue, catalogue_of
from web.pages.failures import PageRoute
from web.pages.visit import base_address

router = APIRouter(route_class=PageRoute)

#: Of 50,000 addresses and 50 MB that a file may have: with eight languages, ten thousand addresses are some 15 MB.
AT_MOST = 10_000
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_AN_HOUR = {"Cache-Control": "public, max-age=3600"}

Alternates = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """A page: its address on this site, when it changed ("" where that is not known), the same in other languages."""

    path: str
    changed: str
    alternates: Alternates


@router.get("/sitemap.xml")
def sitemap(request: Request) -> Response:
    """All pages, or where there are too many for one file, the addresses of the files."""
    base = base_address(request)
    places = list(_places(catalogue_of(request.app)))
    if len(places) <= AT_MOST:
        return _xml(_urls(places, base))
    files = range(1, -(-len(places) // AT_MOST) + 1)
    listed = "".join(f"<sitemap><loc>{escape(f'{base}/sitemap-{n}.xml')}</loc></sitemap>\n" for n in files)
    return _xml(f'<sitemapindex xmlns="{_SPACE}">\n{listed}</sitemapindex>\n')


@router.get("/sitemap-{number}.xml")
def part(request: Request, number: str) -> Response:
    places = list(_places(catalogue_of(request.app)))
    first = (int(number) - 1) * AT_MOST if number.isascii() and number.isdigit() and len(number) < 5 else -1
    if not 0 <= first < len(places) or len(places) <= AT_MOST:
        raise HTTPException(404)
    return _xml(_urls(places[first : first + AT_MOST], base_address(request)))


def article_alternates(known: Catalogue, article_id: str) -> Alternates:
    """(language, address on this site) of an article in each of its languages, and `x-default` for all others.

    Empty where there is one language alone.
    """
    written = known.by_id[article_id]
    if len(written) < 2:
        return ()
    usual = next(lang for lang in known.order(known.default_lang) if lang in written)
    found = [(lang, article_path(written[lang].key)) for lang in sorted(written)]
    return (*found, ("x-default", article_path(written[usual].key)))


def page_alternates(known: Catalogue, path: str) -> Alternates:
    """As `article_alternates`, of a page that is there in all languages: without `lang` the browser's decides."""
    if len(known.languages) < 2:
        return ()
    return (*((lang, f"{path}?lang={lang}") for lang in sorted(known.languages)), ("x-default", path))


def _places(known: Catalogue) -> Iterator[Place]:
    pages = [("/", "")]
    for topic in known.topics.values():
        dates = (article.changed for written in topic.articles for article in written.values())
        pages.append((f"/topics/{quote(topic.slug)}", max(dates)))
    for path, changed in pages:
        alternates = page_alternates(known, path)
        for _, address in alternates or [("", path)]:
            yield Place(address, changed, alternates)
    for article_id, written in known.by_id.items():
        alternates = article_alternates(known, article_id)
        for article in written.values():
            yield Place(article_path(article.key), article.changed, alternates)


def _urls(places: Iterable[Place], base: str) -> str:
    listed = "".join(_url(place, base) for place in places)
    return f'<urlset xmlns="{_SPACE}" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n{listed}</urlset>\n'


def _url(place: Place, base: str) -> str:
    changed = f"<lastmod>{escape(place.changed)}</lastmod>" if place.changed else ""
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang={quoteattr(lang)} href={quoteattr(base + path)}/>'
        for lang, path in place.alternates
    )
    return f"<url><loc>{escape(base + place.path)}</loc>{changed}{others}</url>\n"


def _xml(text: str) -> Response:
    return Response(_HEAD + text, media_type="application/xml", headers=_AN_HOUR)
