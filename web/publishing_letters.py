"""The e-mail to the authors that articles are not published, or are published again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.outbox import MAIL, Letter, SqlOutbox
from bot.outgoing import Written
from bot.publishing.history import Announce
from bot.publishing.publication import Publication
from kb.models import PUBLIC
from web.words import words

if TYPE_CHECKING:
    from web.settings import Settings

#: All are on the page; these show whether it is mine to mend.
_MOST_FINDINGS = 10


def announcer(settings: Settings, outbox: SqlOutbox) -> Announce:
    """What writes to the mailbox of the settings, by way of the outbox of a server; to nobody where none is set."""

    def announce(over: Publication) -> None:
        written = letter(settings, over)
        payload = {"to": settings.publish_mail, "subject": written.subject, "text": written.text}
        key = f"publication-{over.id}"
        outbox.post(Letter(MAIL, "mail", key, key, payload=payload), over.ended or over.asked)

    return announce if settings.publish_mail else lambda over: None


def letter(settings: Settings, over: Publication) -> Written:
    """The words about a publication, in the language of the desk; findings as `firstline check` says them, in English.

    Only findings on articles for everybody are named: who reads a mailbox is not known here.
    """
    said = words(settings.default_lang)
    paragraphs = [f"{over.short} {over.subject}".strip()]
    if not over.in_vain:
        subject = said.gettext("The articles are published again")
        paragraphs.append(said.gettext("What had to be mended is mended. Readers see the newest articles."))
    else:
        subject = said.gettext("The last change to the articles is not published")
        if over.reason:
            paragraphs.append(said.say(over.reason))
        errors = [finding for finding in over.findings if finding.severity == "error"]
        shown = [finding for finding in errors if finding.readable_by((PUBLIC,))][:_MOST_FINDINGS]
        paragraphs += map(str, shown)
        if more := len(errors) - len(shown):
            paragraphs.append(
                said.ngettext(
                    "%(num)s more thing to mend is on the page.", "%(num)s more things to mend are on the page.", more
                )
            )
        paragraphs.append(said.gettext("Readers still see the articles from before."))
    if settings.base_url:
        paragraphs.append(f"{settings.base_url}/authors/publishing/{over.id}")
    name = settings.site_name or said.gettext("Help centre")
    return Written(subject, "\n\n".join(part for part in (*paragraphs, f"-- \n{name}") if part) + "\n")
