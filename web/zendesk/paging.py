"""Pages of a list, by number (`page`, `per_page`) or by cursor (`page[size]`, `page[after]`), as Zendesk gives them."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request

from web.pages.visit import base_address
from web.problems import ApiError

Item = TypeVar("Item")
USUAL, MOST = 30, 100
_LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list, and the keys of the reply that lead to the others."""

    items: Sequence[Item]
    around: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is asked for. `cursor` is "" for the first page; `size` is the number of items."""

    request: Request
    size: int
    number: int = 1
    by_cursor: bool = False
    cursor: str = ""
    backwards: bool = False

    def of(self, items: Sequence[Item], key: Callable[[Item], int]) -> Page[Item]:
        """The part of a list that is held whole; `key` tells its items apart."""
        if self.by_cursor:
            return self._at_cursor(items, key)
        first = (self.number - 1) * self.size
        return self.numbered(items[first : first + self.size], len(items))

    def numbered(self, items: Sequence[Item], total: int) -> Page[Item]:
        """A page by number, of which `items` are all."""
        pages = math.ceil(total / self.size)
        around = {
            "count": total,
            "next_page": self._address(page=self.number + 1) if self.number < pages else None,
            "previous_page": self._address(page=self.number - 1) if self.number > 1 else None,
            "page": self.number,
            "page_count": pages,
            "per_page": self.size,
        }
        return Page(items, around)

    def passed(self) -> int:
        """How many items come before a page of a list that only grows at its end, by number or by cursor."""
        if not self.by_cursor:
            return (self.number - 1) * self.size
        if self.backwards:
            raise ApiError(400, "cursor_invalid", "This list goes forward alone: use page[after].")
        return _read(self.cursor)[0] if self.cursor else 0

    def growing(self, items: Sequence[Item], total: int) -> Page[Item]:
        """The page of such a list that begins behind the items that were `passed`."""
        if not self.by_cursor:
            return self.numbered(items, total)
        end = self.passed() + len(items)
        after = _write(end, 0) if items else None
        links = {"next": self._address(**{"page[after]": after}) if items and end < total else None, "prev": None}
        meta = {"has_more": links["next"] is not None, "after_cursor": after, "before_cursor": None}
        return Page(items, {"meta": meta, "links": links})

    def _at_cursor(self, items: Sequence[Item], key: Callable[[Item], int]) -> Page[Item]:
        """A cursor names the last item seen and its place, for the day that item is gone."""
        place = 0
        if self.cursor:
            at, seen = _read(self.cursor)
            known = next((n for n, item in enumerate(items) if key(item) == seen), None)
            place = min(at, len(items)) if known is None else known
            place = place if self.backwards or known is None else place + 1
        first, last = (max(0, place - self.size), place) if self.backwards else (place, place + self.size)
        shown = items[first:last]
        before = _write(first, key(shown[0])) if shown else None
        after = _write(first + len(shown) - 1, key(shown[-1])) if shown else None
        has_more = first > 0 if self.backwards else last < len(items)
        links = {
            "next": self._address(**{"page[after]": after}) if last < len(items) else None,
            "prev": self._address(**{"page[before]": before}) if first > 0 and shown else None,
        }
        meta = {"has_more": has_more, "after_cursor": after, "before_cursor": before}
        return Page(shown, {"meta": meta, "links": links})

    def _address(self, **changed: Any) -> str:
        given = [(name, value) for name, value in self.request.query_params.multi_items() if name not in _PLACES]
        size = [("page[size]", self.size)] if self.by_cursor else [("per_page", self.size)]
        query = urlencode([*given, *size, *changed.items()])
        return f"{base_address(self.request)}{self.request.url.path}?{query}"


#: Parameters that say which part of a list is asked for.
_PLACES = {"page", "per_page", "page[size]", "page[after]", "page[before]"}


def _paging(request: Request) -> Paging:
    given = request.query_params
    if any(name.startswith("page[") for name in given):
        size = _between(request, "page[size]", USUAL, MOST)
        before = given.get("page[before]", "")
        return Paging(request, size, 1, True, before or given.get("page[after]", ""), bool(before))
    size = _between(request, "per_page", USUAL, MOST)
    return Paging(request, size, _between(request, "page", 1, _LAST_PAGE))


def _between(request: Request, name: str, usual: int, most: int) -> int:
    """A whole number from 1; what is above `most` is `most`, as Zendesk takes it."""
    given = request.query_params.get(name, "") or str(usual)
    if not (given.isascii() and given.isdigit()) or len(given) > 9 or not int(given):
        raise ApiError(400, "page_invalid", f"{name} is {given[:40]!r}; use a whole number from 1 to {most}.")
    return min(int(given), most)


def _write(place: int, seen: int) -> str:
    return base64.urlsafe_b64encode(f"{place}.{seen}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[int, int]:
    try:
        place, _, seen = base64.b64decode(f"{cursor}==", b"-_").decode("ascii").partition(".")
        at, key = int(place), int(seen)
    except ValueError:
        at, key = -1, -1
    if not 0 <= at < 2**31:  # more than any database counts to
        raise ApiError(400, "cursor_invalid", "The cursor is none of ours. Begin again without one.")
    return at, key


Pages = Annotated[Paging, Depends(_paging)]
