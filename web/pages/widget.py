"""The widget's scripts, and a page that shows how to put it on a site."""

from __future__ import annotations

import re
from functools import lru_cache

from fastapi import APIRouter, Request
from starlette.responses import Response

from web.pages.failures import PageRoute
from web.pages.templates import STATIC, page
from web.pages.visit import base_address

router = APIRouter(route_class=PageRoute)

SCRIPTS = ("widget.js", "widget-panel.js")
#: Whole lines of comment, comments behind code, indentation and empty lines. No text of ours goes over a line's end.
_BLOCKS = re.compile(r"^\s*/\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_LINES = re.compile(r"^\s*(//.*)?\n|^[ ]+|[ ]+// [^\"'`\n]*$", re.MULTILINE)
_HEADERS = {
    "Cache-Control": "public, max-age=300",  # sites embed it by a fixed address, so a new version has to come soon
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",  # what is imported is fetched as a module, which asks for leave
}


@router.get("/widget.js")
def launcher() -> Response:
    return _script("widget.js")


@router.get("/widget-panel.js")
def panel() -> Response:
    return _script("widget-panel.js")


def _script(name: str) -> Response:
    """Any site may load it: it holds nothing that is anybody's."""
    return Response(compact(name), media_type="text/javascript", headers=_HEADERS)


@lru_cache(maxsize=len(SCRIPTS))
def compact(name: str) -> str:
    """A script as it is sent: without comments and indentation."""
    return _LINES.sub("", _BLOCKS.sub("", (STATIC / name).read_text(encoding="utf-8")))


@router.get("/widget")
def widget(request: Request) -> Response:
    """A page with the widget on it, and the one tag that puts it on any other."""
    settings = request.app.state.settings
    values = {
        "origin": base_address(request),
        "origins": settings.widget_origins,
        "accent": settings.accent_color,
        "noindex": True,
    }
    return page(request, "widget.html", values)
