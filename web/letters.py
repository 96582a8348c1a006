"""The words of what is sent: to requesters in their language, to another desk in the language of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from bot.models import Suggestion, Ticket, TicketMessage
from bot.outgoing import Written
from web.settings import Settings
from web.words import Words, words


@dataclass(frozen=True, slots=True)
class SiteLetters:
    """Implements `bot.outgoing.Letters` with the catalogs of the interface.

    Without a `base_url` no letter has a link: where this site is, only a reader's browser knows then.
    """

    settings: Settings

    def details(self, ticket: Ticket) -> str:
        said, lines = self._agents, []
        lines.append(said.gettext("Ticket %(number)s of the help centre", number=str(ticket.number)))
        if page := self._page(ticket):
            lines.append(page)
        for name, value in (
            (said.gettext("From"), ticket.email),
            (said.gettext("Topic"), ticket.topic),
            (said.gettext("Department"), ticket.department),
        ):
            if value:
                lines.append(said.gettext("%(name)s: %(value)s", name=name, value=value))
        if articles := list(dict.fromkeys((*ticket.shown, *ticket.declined))):
            lines.append(
                said.gettext("Articles the requester was shown already: %(articles)s", articles=said.listed(articles))
            )
        return "\n".join(lines)

    def accepted(self, ticket: Ticket) -> str:  # noqa: ARG002 - says the same of each
        return self._agents.gettext("The requester says that this is solved.")

    def answered(self, message: TicketMessage) -> str:
        said = self._agents
        return (
            said.gettext("%(name)s answered", name=message.name)
            if message.name
            else said.gettext("The help desk answered")
        )

    def confirmation(self, ticket: Ticket) -> Written:
        said, number = words(ticket.lang or self.settings.default_lang), str(ticket.number)
        text = [said.gettext("We have your ticket %(number)s: “%(subject)s”.", number=number, subject=ticket.subject)]
        if page := self._page(ticket, said):
            text += [
                said.gettext("You can follow it, read our answers and write to us here:"),
                page,
                said.gettext("Whoever has this address can read your ticket, so keep it to yourself."),
            ]
        else:
            text.append(said.gettext("Keep the number in case you call."))
        return Written(said.gettext("We have your ticket %(number)s", number=number), self._letter(said, text, ticket))

    def answer(self, ticket: Ticket, message: TicketMessage) -> Written:
        said, number = words(ticket.lang or self.settings.default_lang), str(ticket.number)
        text = [message.text]
        if page := self._page(ticket, said):
            text += [said.gettext("Tell us here whether this solved it, or write to us:"), page]
        subject = said.gettext("Answer to your ticket %(number)s", number=number)
        return Written(subject, self._letter(said, text, ticket))

    def suggestions(self, found: list[Suggestion]) -> str:
        """Articles that may answer a ticket of another desk, for its agents."""
        said = self._agents
        lines = [said.gettext("Articles that may answer this:")]
        for number, suggestion in enumerate(found, 1):
            lines.append(f"{number}. {suggestion.title}")
            if self.settings.base_url:
                lines.append(f"   {self.settings.base_url}{suggestion.path}")
        return "\n".join(lines)

    @property
    def _agents(self) -> Words:
        return words(self.settings.default_lang)

    def _page(self, ticket: Ticket, said: Words | None = None) -> str:
        if not self.settings.base_url:
            return ""
        return f"{self.settings.base_url}/ticket/{ticket.id}" + (f"?lang={said.lang}" if said else "")

    def _letter(self, said: Words, paragraphs: list[str], ticket: Ticket) -> str:  # noqa: ARG002
        name = self.settings.site_name or said.gettext("Help centre")
        ending = [] if self.settings.support_email else [said.gettext("Replies to this e-mail reach nobody.")]
        return "\n\n".join([*paragraphs, *ending, f"-- \n{name}"]) + "\n"
