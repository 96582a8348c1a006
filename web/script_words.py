"""What the scripts of the pages say: one function a script, its words in one language as a JSON object.

A count is a list of whole sentences, one for each number from 0 on, so that no script has to know a plural rule.
"""

from __future__ import annotations

from bot.attachments import Allowed
from web.words import Words

#: More articles than this are never announced.
_MOST = 10
#: What a script puts a file's name in the place of.
_NAME = "{name}"


def ticket_words(said: Words, allowed: Allowed) -> dict[str, str | list[str]]:
    """Of ticket.js. Where a sentence names a file, `{name}` stays in it for the script to fill in."""
    return {
        "tooLarge": said.say(allowed.too_large(_NAME)),
        "tooMany": said.say(allowed.too_many(_NAME)),
        "wrongKind": said.say(allowed.wrong_kind(_NAME)),
        "beside": said.gettext("Articles that may help"),
        "found": articles_found(said),
        "newTab": said.gettext("(opens in a new tab)"),
        "send": said.gettext("Send ticket"),
        "sending": said.gettext("Sending…"),
        "these": said.gettext("These may help"),
        "which": said.gettext("Which of these do you mean?"),
    }


def article_words(said: Words) -> dict[str, str | list[str]]:
    """Of article.js."""
    return {
        "copied": said.gettext("Copied"),
        "copy": said.gettext("Copy"),
        "copyCode": said.gettext("Copy this code"),
        "failed": said.gettext("Not copied: select it and copy it yourself"),
    }


def articles_found(said: Words) -> list[str]:
    """What a screen reader is told of a list, for 0 to 10 articles; nothing for none."""
    return ["", *(said.ngettext("%(num)s article found", "%(num)s articles found", n) for n in range(1, _MOST + 1))]
