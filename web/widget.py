"""What the widget opens with: its words, and what of the settings it needs."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bot.feedback import MAX_COMMENT
from kb import languages
from web.choices import Choice
from web.handoff import answers_by_mail
from web.pages.opening import promise
from web.schemas import MOST_DECLINED
from web.script_words import widget_words
from web.settings import Settings
from web.words import Words, words

router = APIRouter()

#: A change of the settings reaches pages that are open within minutes.
_SOON = "public, max-age=300"


class ChannelOut(BaseModel):
    """A way to a person."""

    kind: Literal["form", "email", "phone", "chat"]
    address: str = Field(description="A path on this site, an e-mail address, a number or a URL.")
    label: str


class ChoiceOut(BaseModel):
    value: str = Field(description="What is stored.")
    label: str = Field(description="Its name in the language of the words.")


class LimitsOut(BaseModel):
    declined: int = Field(description="How many articles a ticket may name as declined.")
    comment: int = Field(description="Characters of a comment on an article.")


class WidgetOut(BaseModel):
    """All that the widget says and knows before anybody asks."""

    lang: str = Field(description="The language of `words`, one the interface speaks.")
    reader: str | None = Field(
        description="The language that was asked for, to ask questions in; null where it is none."
    )
    words: dict[str, str | list[str]]
    channels: list[ChannelOut] = Field(description="The form is always the first.")
    hours: str = Field(
        description="When somebody reads tickets and answers, in sentences; empty where it need not be said."
    )
    topics: list[ChoiceOut]
    departments: list[ChoiceOut]
    limits: LimitsOut


@router.get("/widget", summary="Words and settings of the widget", response_model=WidgetOut)
def widget(request: Request, lang: Annotated[str, Query(max_length=35)] = "") -> Response:
    """What a site's widget opens with. A language that is none is no error: the words come in English then."""
    reader = languages.normalise(lang)
    said = words(reader or "")
    settings: Settings = request.app.state.settings
    out = WidgetOut(
        lang=said.lang,
        reader=reader,
        words=widget_words(said, by_mail=answers_by_mail(settings)),
        channels=channels(settings, said),
        hours=" ".join(promise(settings, said, request.app.state.desk.now())),
        topics=_choices(settings.ticket_topics, said),
        departments=_choices(settings.departments, said),
        limits=LimitsOut(declined=MOST_DECLINED, comment=MAX_COMMENT),
    )
    body = out.model_dump_json().encode()
    headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"', "Cache-Control": _SOON}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def channels(settings: Settings, said: Words) -> list[ChannelOut]:
    """The ways to a person that the settings name, the ticket form first."""
    found = [ChannelOut(kind="form", address="/ticket", label=said.gettext("Send a ticket"))]
    if address := settings.support_email:
        label = said.gettext("Write to %(address)s", address=address)
        found.append(ChannelOut(kind="email", address=address, label=label))
    if number := settings.support_phone:
        found.append(ChannelOut(kind="phone", address=number, label=said.gettext("Call %(number)s", number=number)))
    if address := settings.chat_url:
        found.append(ChannelOut(kind="chat", address=address, label=said.gettext("Chat with us")))
    return found


def _choices(entries: tuple[Choice, ...], said: Words) -> list[ChoiceOut]:
    return [ChoiceOut(value=entry.stored, label=entry.said(said.lang)) for entry in entries]
