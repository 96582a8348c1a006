"""A first draft of an article, made of a solved ticket: in its requester's words, personal data masked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import yaml

from bot import privacy
from bot.errors import Message
from bot.models import Ticket
from kb.analysis import fold
from kb.models import Article
from kb.search import Query, Searcher

NAME = "[name]"
_MOST_QUESTIONS = 5
_LONGEST_QUESTION = 200
_LONGEST_SLUG = 60
#: A first sentence of fewer words ("Please help.") says nothing that is asked for.
_SAYS_SOMETHING = 4
#: The nearest articles say where a new one belongs and who keeps it.
_NEIGHBOURS = 5
#: What people begin a message with, in the languages of the interface.
_GREETING = re.compile(
    r"^[ \t>]*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|cześć|dzień dobry|witam|szanown[iay]\w*|"
    r"hallo|beste|geachte|liebe[rs]?|guten (?:tag|morgen)|sehr geehrte[rs]?|bonjour|salut|cher|chère|ciao|buongiorno|"
    r"gentile|hola|estimad[oa]s?|buenos días|здравствуйте|привет|добрый день|уважаем\w+|добрий день|вітаю)\b"
    r"(?:[ \t]+[^\W\d_][\w.'’-]*){0,4}[ \t]*(?:[,!.:–-]+[ \t]*|$)",
    re.IGNORECASE | re.MULTILINE,
)
#: What a message ends with, blanks at its end taken off; all that follows in a few short lines is a name, a position,
#: a phone number.
_CLOSING = re.compile(
    r"\n[ \t]*(?:--|(?:best|kind|warm|many)?[ \t]*(?:regards|wishes|thanks)|thank you|thanks in advance|cheers|"
    r"sincerely|yours|pozdrawiam|z poważaniem|dziękuję|met vriendelijke groet\w*|groet\w*|"
    r"mit freundlichen grüßen|viele grüße|cordialement|merci|cordiali saluti|grazie|saludos|gracias|"
    r"atentamente|с уважением|спасибо|з повагою|дякую)\b"
    r"[^\n]{0,40}(?:\n[^\n]{0,60}){0,6}\Z",
    re.IGNORECASE,
)
_REPLY = re.compile(r"^(?:\s*(?:re|fwd?|aw|odp|wg|tr|rv)\s*:)+\s*", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+(?=\S)|\n+")
_ITEM = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+")


@dataclass(frozen=True, slots=True)
class Draft:
    """A Markdown file with front matter: where it belongs below the folder of articles, its title, and its text."""

    path: str
    title: str
    text: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def draft(
    ticket: Ticket,
    searcher: Searcher,
    audiences: frozenset[str],
    resolution: str = "",
    say: Callable[[Message], str] = str,
) -> Draft:
    """The draft of a ticket. `resolution` is how its agent says it was solved; public replies are steps as well.

    Topic and owner are those of the nearest articles that `audiences` may read. `say` puts the headings into the
    language of the ticket.
    """
    mine = Masked(ticket.email)
    subject = " ".join(mine(_REPLY.sub("", ticket.subject)).split())
    body = mine(ticket.body)
    lang = searcher.language(Query(ticket.subject, ticket.body, ticket.lang or None)) or ticket.lang
    title = (subject[:1].upper() + subject[1:]).rstrip(" .!") or say(Message("Ticket %(number)s", number=ticket.number))
    near = [
        searcher.entry(hit.article).article
        for hit in searcher.rank(Query(subject, body, lang or None, audiences), _NEIGHBOURS).hits
    ]
    called = slug(title, f"ticket-{ticket.number}", {entry.article.id for entry in searcher.snapshot.entries})
    front = {"id": called, "title": title, "lang": lang, "status": "draft", "owner": most(near, "owner")}
    questions = _questions(subject, body)
    values = {key: value for key, value in front.items() if value} | {"questions": questions}
    written = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=10_000)
    said = [message.text for message in ticket.messages if message.author == "agent"]
    steps = _steps(mine(text) for text in (resolution, *said))
    problem, solved = say(Message("The problem")), say(Message("What solved it"))
    parts = [
        f"---\n{written}---",
        for_author(say(Message("Write in one or two sentences who this is for and what it solves."))),
        f"## {problem}",
        quoted(body),
        f"## {solved}",
        "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
        or for_author(
            say(Message("Write the steps, one line each. Name the exact buttons, and what should happen next."))
        ),
        for_author(say(Message("Write what to do where this does not help. Then remove these boxes and publish it."))),
    ]
    topic = most(near, "topic")
    path = "/".join(filter(None, (lang, topic, f"{called}.md")))
    return Draft(path, title, "\n\n".join(filter(None, parts)) + "\n")


class Masked:
    """Masks personal data in what one person wrote: also greetings, what stands below "Regards", and their own name.

    The name is guessed from the address: `anna.nowak@example.com` is Anna Nowak.
    """

    def __init__(self, email: str) -> None:
        parts = [part for part in re.findall(r"[^\W\d_]+", email.partition("@")[0]) if len(part) > 2]
        names = "|".join(re.escape(part.capitalize()) for part in parts)
        self._names = re.compile(rf"\b(?:{names})\b(?:\s+\b(?:{names})\b)*") if names else None

    def __call__(self, text: str) -> str:
        text = _CLOSING.sub("", privacy.to_keep(text).strip())
        text = _GREETING.sub("", text)
        return (self._names.sub(NAME, text) if self._names else text).strip()


def _questions(subject: str, body: str) -> list[str]:
    """The subject and the questions in the text, as they were typed; without any, its first sentence."""
    sentences = [" ".join(part.split()) for part in SENTENCE.split(body) if part and part.strip()]
    asked = [part for part in sentences if part.endswith(("?", "？"))]
    asked = asked or [part for part in sentences[:1] if len(part.split()) >= _SAYS_SOMETHING]
    found = {fold(line): line for line in reversed((subject, *asked)) if 0 < len(line) <= _LONGEST_QUESTION}
    return list(found.values())[::-1][:_MOST_QUESTIONS]


def _steps(texts: Iterable[str]) -> list[str]:
    """Each sentence of what was answered, once; of a text with a list, the items alone."""
    found: dict[str, str] = {}
    for text in texts:
        lines = [line for line in text.split("\n") if line.strip()]
        items = [line for line in lines if _ITEM.match(line)]
        for line in items if len(items) > 1 else lines:
            item = _ITEM.sub("", line)
            for sentence in [item] if item != line else SENTENCE.split(item):
                if written := " ".join(sentence.split()):
                    found.setdefault(fold(written), _plain(written))
    return list(found.values())


def quoted(text: str) -> str:
    """Words of a person as a quotation in Markdown."""
    return "\n".join(f"> {_plain(line)}".rstrip() for line in text.split("\n")) if text else ""


def _plain(text: str) -> str:
    """Words of a person as Markdown that shows them as they are: no headings, tags, links or code."""
    return re.sub(r"([\\`*_<\[\]]|^\s*[#>~|=-])", lambda match: match[0][:-1] + "\\" + match[0][-1], text)


def for_author(words: str) -> str:
    """A box that the author removes."""
    return f"> [!NOTE]\n> {words}"


def slug(title: str, otherwise: str, taken: set[str]) -> str:
    """A name for a file made of a title, `otherwise` where that has no letters a name may have; none of `taken`."""
    words = re.findall(r"[a-z0-9]+", fold(title))
    made = ""
    for word in words:
        if len(made) + len(word) > _LONGEST_SLUG:
            break
        made = f"{made}-{word}".strip("-")
    made = made or otherwise
    return next(name for name in (made, *(f"{made}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def most(near: Sequence[Article], attribute: str) -> str:
    """What most of the nearest articles have there; of several the nearest one's."""
    values = [str(getattr(article, attribute)) for article in near]
    return Counter(values).most_common(1)[0][0] if values else ""
