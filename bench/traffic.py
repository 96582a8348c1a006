"""What the load of `bench.load` is made of: questions, beginnings of them, pages and tickets, no two the same.

From the author questions of a snapshot, in all its languages, with openings and closings as people write them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from kb.links import article_path
from kb.models import PUBLIC
from kb.snapshot import Snapshot

_SEED = 7
_OPENINGS = {
    "en": ("", "Hi, ", "Hello, ", "Please help: ", "Quick question: ", "Good morning, ", "Sorry, ", "Urgent: "),
    "pl": ("", "Dzień dobry, ", "Cześć, ", "Proszę o pomoc: ", "Pilne: ", "Mam pytanie: ", "Witam, ", "Przepraszam, "),
    "ru": ("", "Здравствуйте, ", "Привет, ", "Помогите: ", "Срочно: ", "Вопрос: ", "Добрый день, ", "Извините, "),
    "it": ("", "Salve, ", "Ciao, ", "Aiuto: ", "Urgente: ", "Una domanda: ", "Buongiorno, ", "Scusate, "),
    "nl": ("", "Hallo, ", "Hoi, ", "Help: ", "Dringend: ", "Een vraag: ", "Goedemorgen, ", "Sorry, "),
}
_CLOSINGS = {
    "en": ("", " at home", " since this morning", " on my laptop", " in the office", " after the update", " again"),
    "pl": ("", " w domu", " od rana", " na laptopie", " w biurze", " po aktualizacji", " znowu"),
    "ru": ("", " дома", " с утра", " на ноутбуке", " в офисе", " после обновления", " снова"),
    "it": ("", " a casa", " da stamattina", " sul portatile", " in ufficio", " dopo l'aggiornamento", " di nuovo"),
    "nl": ("", " thuis", " sinds vanochtend", " op mijn laptop", " op kantoor", " na de update", " alweer"),
}
_ROOMS = range(100, 1000)
#: Fewer letters are not looked up (kb/typeahead.py).
_FEWEST = 3


class Traffic:
    """Requests to a server that has this snapshot: "METHOD PATH<tab>body<tab>idempotency key" each."""

    def __init__(self, snapshot: Snapshot) -> None:
        public = [entry.article for entry in snapshot.entries if entry.article.audience == PUBLIC]
        self._pages = [article_path(article.key) for article in public]
        asked = [(q, article.lang) for article in public for q in article.questions or (article.title,)]
        random.Random(_SEED).shuffle(asked)  # noqa: S311 - the same load each time
        self._asked = asked
        self.kinds: dict[str, Callable[[], Iterator[str]]] = {
            "asks": self._asks,
            "typeaheads": self._typed,
            "pages": self._searches,
            "tickets": self._tickets,
        }

    def write(self, kind: str, count: int, path: Path) -> int:
        """Writes up to `count` requests of a kind; how many there are."""
        lines = list(islice(self.kinds[kind](), count))
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return len(lines)

    def _questions(self) -> Iterator[tuple[str, str]]:
        """(question, language), plain ones first, then with more and more around them: a room makes the last ones."""
        for room in ("", *(f" ({number})" for number in _ROOMS)):
            for closing in range(len(_CLOSINGS["en"])):
                for opening in range(len(_OPENINGS["en"])):
                    for text, lang in self._asked:
                        openings, closings = (words.get(lang, words["en"]) for words in (_OPENINGS, _CLOSINGS))
                        yield f"{openings[opening]}{text}{closings[closing]}{room}", lang

    def _asks(self) -> Iterator[str]:
        for text, _ in self._questions():
            yield f"POST /api/v1/ask\t{json.dumps({'question': text})}\t"

    def _typed(self) -> Iterator[str]:
        """Beginnings of questions, one of each in turn, as many people type at once; a box asks at every letter."""
        return _distinct(
            f"GET /api/v1/typeahead?{urlencode({'q': text, 'lang': lang})}\t\t" for text, lang in self._beginnings()
        )

    def _beginnings(self) -> Iterator[tuple[str, str]]:
        chance = random.Random(_SEED)  # noqa: S311
        source = self._questions()
        while part := list(islice(source, len(self._asked))):
            cuts = [chance.sample(range(_FEWEST, len(text) + 1), k=max(0, len(text) + 1 - _FEWEST)) for text, _ in part]
            for turn in range(max(map(len, cuts), default=0)):
                for (text, lang), order in zip(part, cuts, strict=True):
                    if turn < len(order):
                        yield text[: order[turn]], lang

    def _searches(self) -> Iterator[str]:
        """Pages to read, and among five one that searches."""
        for number, (text, lang) in enumerate(self._questions()):
            if number % 5:
                yield f"GET {self._pages[number % len(self._pages)]}\t\t"
            else:
                yield f"GET /search?{urlencode({'q': text, 'lang': lang})}\t\t"

    def _tickets(self) -> Iterator[str]:
        for number, (text, lang) in enumerate(self._questions()):
            sent = {"subject": text, "body": f"{text}.", "email": f"user{number}@example.com", "lang": lang}
            yield f"POST /api/v1/tickets\t{json.dumps(sent)}\tload-{number:08}"


def _distinct(lines: Iterable[str]) -> Iterator[str]:
    seen: set[int] = set()
    for line in lines:
        if (key := hash(line)) not in seen:
            seen.add(key)
            yield line
