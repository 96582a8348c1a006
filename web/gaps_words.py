"""What gaps are called: on pages in the reader's language, in English on the command line and in the API."""

from __future__ import annotations

from bot.gaps.evidence import Near, Role
from bot.gaps.models import Gap, GapKind, GapState, Sort, What, Why
from web.words import N_

KINDS: dict[GapKind, str] = {
    "unanswered": N_("No article found"),
    "rejected": N_("Answer did not help"),
    "ticket": N_("Became a ticket"),
}
STATES: dict[GapState, str] = {"open": N_("Open"), "closed": N_("Closed"), "wont_do": N_("Won't do")}
SORTS: dict[Sort, str] = {
    "saves": N_("Saves most tickets"),
    "asked": N_("Asked most"),
    "growth": N_("Growing most"),
    "tickets": N_("Most tickets"),
    "new": N_("Asked last"),
}
#: Of the article that a list shows.
WHYS: dict[Why, str] = {
    "no_article": N_("The nearest, but not near enough"),
    "language": N_("No article in this language; this is the nearest"),
    "not_found": N_("Solved such tickets, but was not found"),
    "rejected": N_("Was shown and did not help"),
    "not_shown": N_("Is found, but most wrote a ticket without seeing it"),
}
ROLES: dict[Role, str] = {
    "far": N_("The nearest, but not near enough"),
    "not_found": N_("Solved such tickets, but was not found"),
    "rejected": N_("Was shown and did not help"),
    "answers": N_("Is found now"),
}
EVENTS: dict[What, str] = {
    "close": N_("Closed"),
    "wont_do": N_("Won't do"),
    "reopen": N_("Opened again"),
    "take": N_("Writes the article"),
    "give_back": N_("Gave it back"),
    "answered": N_("Closed by itself: an article answers it"),
    "again": N_("Opened by itself: it goes on failing"),
    "undo": N_("Undone"),
}
#: Where there is no article to say it of.
_NONE: dict[Why, str] = {
    "no_article": "No article is near",
    "language": "No article in this language",
    "not_found": "The right article was not found",
    "rejected": "An article was shown and did not help",
    "not_shown": "Most wrote a ticket without seeing an article",
}


def state_in_english(gap: Gap) -> str:
    """How a gap stands, with whoever writes for it."""
    writes = f", {gap.standing.writer} writes it" if gap.state == "open" and gap.standing.writer else ""
    return f"{STATES[gap.state]}{writes}"


def why_in_english(gap: Gap) -> str:
    """Why the articles did not do, naming the nearest one."""
    return f"{gap.nearest}: {WHYS[gap.why].lower()}" if gap.nearest else _NONE[gap.why]


def often_in_english(near: Near) -> str:
    """How often that was so of an article."""
    return f"{near.count} of {near.of} wordings" if near.of else f"{near.count:,} times" if near.count > 1 else "once"
