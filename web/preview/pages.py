"""The preview's own pages: what to mend, the questions somebody watches, what changed; and articles as last saved."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from kb.links import article_path
from kb.models import ArticleKey
from web.origin import own_path
from web.pages import reading
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted, tidy
from web.pages.templates import environment, page, speaking
from web.pages.visit import visit
from web.preview.bar import bar
from web.preview.eyes import COOKIE, Eyes
from web.preview.workshop import Workshop

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_LONGEST_QUESTION = 2_000


def _workshop(request: Request) -> Workshop:
    workshop: Workshop = request.app.state.preview
    return workshop


@router.get("/preview")
def overview(request: Request) -> Response:
    workshop, known = _workshop(request), catalogue(request)
    reader = visit(request, known)
    eyes = Eyes.of_cookie(request.cookies.get(COOKIE))
    searcher = workshop.shelf.searcher
    drafts = [e.article for e in searcher.snapshot.entries if e.article.path in workshop.edition.drafts]
    values = {
        "workshop": workshop,
        "findings": workshop.findings,
        "asked": workshop.asked(workshop.own, reader.lang, eyes.audiences),
        "changes": workshop.changes(),
        "drafts": drafts,
        "readable": {
            article.path: article_path(article.key) for written in known.by_id.values() for article in written.values()
        },
    }
    return page(request, "preview.html", values, reader=reader, private=True)


@router.get("/preview/events")
async def events(request: Request) -> Response:
    """A stream that says when there is something new; at once where the page is already old."""
    workshop = _workshop(request)
    seen = request.query_params.get("seen", "")

    def missed() -> dict[str, object] | None:
        now = workshop.run, workshop.revision
        return None if seen == f"{now[0]}-{now[1]}" else {"run": now[0], "revision": now[1]}

    return StreamingResponse(
        workshop.feed.listen(missed), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


@router.get("/preview/bar")
def bar_alone(request: Request) -> Response:
    """The bar of a page that is open, anew."""
    workshop, known = _workshop(request), catalogue(request)
    query = request.query_params
    made = replace(bar(workshop, request, known), back=own_path(query.get("back", "")) or "/", patient=True)
    key = ArticleKey(query.get("id", ""), query.get("in", ""))
    reader = visit(request, known, reading=key.lang)
    values = {
        **speaking(reader.said),
        "lang": reader.lang,
        "preview": made,
        "article": made.article(key) if key.id else None,
        "gone": bool(key.id and made.article(key) is None),
    }
    text = environment().get_template("preview_bar.html").render(values)
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


@router.post("/preview/eyes")
def eyes(form: Posted) -> Response:
    response = RedirectResponse(own_path(form.text("back")) or "/", 303)
    response.set_cookie(COOKIE, Eyes(form.text("as")[:200]).cookie, httponly=True, samesite="lax", path="/")
    return response


@router.post("/preview/questions")
def questions(request: Request, form: Posted) -> Response:
    """Keeps one more question at hand, or one fewer."""
    workshop = _workshop(request)
    if away := form.text("forget"):
        workshop.forget(away)
    elif given := " ".join(tidy(form.text("question")).split())[:_LONGEST_QUESTION]:
        workshop.remember(given)
    return RedirectResponse("/preview#fl-questions", 303)


@router.get("/preview/unsent")
def unsent(request: Request) -> Response:
    """Where every form leads whose words would go to a help desk."""
    return page(request, "preview_unsent.html", {}, private=True)


@router.get("/{lang}/articles/{article_id:path}")
def article(request: Request, lang: str, article_id: str) -> Response:
    """An article as it was saved last; nobody counts who reads it."""
    entry = _workshop(request).shown(catalogue(request), ArticleKey(article_id, lang))
    if entry is None:
        return reading.article(request, lang, article_id)
    return reading.article_page(request, entry, reading.Helpful())
