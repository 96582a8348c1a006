"""What belongs to the whole site: colours, pictures, what robots may read."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response

from kb.links import PICTURE_TYPES
from web.pages.catalogue import catalogue, catalogue_of
from web.pages.failures import PageRoute
from web.pages.theme import favicon, stylesheet
from web.pages.visit import base_address

router = APIRouter(route_class=PageRoute)

#: Names of pictures are hashes of what is in them, addresses of styles carry one: neither ever changes.
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_A_DAY = {"Cache-Control": "public, max-age=86400"}
#: An SVG opened on its own is a document; it gets to do nothing.
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_ROBOTS = """User-agent: *
Disallow: /account
Disallow: /api
Disallow: /authors
Disallow: /feedback
Disallow: /inbox
Disallow: /outcome
Disallow: /people
Disallow: /search
Disallow: /setup
Disallow: /sign-in
Disallow: /solved
Disallow: /ticket
Disallow: /welcome
"""


@router.get("/theme.css")
def theme(request: Request) -> Response:
    text = stylesheet(request.app.state.settings.accent_color)
    return Response(text, media_type="text/css", headers=_FOREVER if request.query_params.get("v") else _A_DAY)


@router.get("/favicon.svg")
def icon(request: Request) -> Response:
    text = favicon(request.app.state.settings.accent_color)
    return Response(text, media_type="image/svg+xml", headers={**_A_DAY, "Content-Security-Policy": _PICTURE_POLICY})


@router.get("/robots.txt")
def robots(request: Request) -> Response:
    return PlainTextResponse(f"{_ROBOTS}\nSitemap: {base_address(request)}/sitemap.xml\n", headers=_A_DAY)


@router.get("/logo")
def logo(request: Request) -> Response:
    """The picture of the settings. It may be an SVG, which gets to do nothing where it is opened on its own."""
    path = Path(request.app.state.settings.logo)
    media_type = PICTURE_TYPES.get(path.suffix.lower())
    if media_type is None or not path.is_file():
        raise HTTPException(404)
    kept = _FOREVER if request.query_params.get("v") else _A_DAY
    return FileResponse(path, media_type=media_type, headers={**kept, "Content-Security-Policy": _PICTURE_POLICY})


@router.get("/pictures/{name}")
def picture(request: Request, name: str) -> Response:
    """A picture, for those who may read an article that shows it."""
    path: Path | None = request.app.state.desk.library.searcher.snapshot.picture(name)
    media_type = PICTURE_TYPES.get(Path(name).suffix)
    if path is None or media_type is None or name not in catalogue(request).pictures:
        raise HTTPException(404)
    kept = _FOREVER if name in catalogue_of(request.app).pictures else {"Cache-Control": "private, no-store"}
    return FileResponse(path, media_type=media_type, headers={**kept, "Content-Security-Policy": _PICTURE_POLICY})
