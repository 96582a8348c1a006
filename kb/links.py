"""Addresses of articles and pictures, and what a relative link or picture in an article points to."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from kb.models import Article, ArticleKey

PICTURE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
MAX_PICTURE_BYTES = 5_000_000
#: An address with a scheme or a host of its own.
EXTERNAL = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def article_path(key: ArticleKey, anchor: str = "") -> str:
    """The address of an article on this site: `/pl/articles/reset-password#anchor`."""
    return f"/{key.lang}/articles/{quote(key.id)}" + (f"#{quote(anchor)}" if anchor else "")


@dataclass(slots=True)
class Resolver:
    """Turns what one source's articles link to into addresses; collects the pictures that are used.

    `root` is the source folder, or None for a source without files beside it.
    """

    root: Path | None
    articles: Mapping[str, ArticleKey]
    pictures: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path | None, articles: Iterable[Article]) -> Resolver:
        by_path: dict[str, ArticleKey] = {}
        for article in articles:
            by_path[article.path] = article.key
            by_path.setdefault(posixpath.splitext(article.path)[0], article.key)
        return cls(root, by_path)

    def link(self, article: Article, href: str) -> str:
        """The address of the article a relative link names; any other link as written."""
        if not href or href.startswith("#") or EXTERNAL.match(href):
            return href
        path, fragment = _parts(href)
        key = self.articles.get(self._from_root(article, path)) if path else None
        return article_path(key, unquote(fragment)) if key else href

    def picture(self, article: Article, src: str) -> str:
        """The address under which a picture of the source is served, or "" where there is no such picture.

        Pictures on other sites are not shown: a page of ours makes no reader's browser ask somebody else's server.
        """
        if self.root is None or EXTERNAL.match(src):
            return ""
        path = self._file(self._from_root(article, _parts(src)[0]))
        if path is None or path.suffix.lower() not in PICTURE_TYPES or path.stat().st_size > MAX_PICTURE_BYTES:
            return ""
        name = hashlib.sha256(path.read_bytes()).hexdigest()[:16] + path.suffix.lower()
        self.pictures[name] = path
        return f"/pictures/{name}"

    def fragment(self, article: Article, path: str) -> str | None:
        """The Markdown of an included fragment, or None where it is not in the source."""
        file = self._file(self._from_root(article, path))
        if file is None or file.suffix.lower() != ".md" or file.stat().st_size > 100_000:
            return None
        return file.read_text(encoding="utf-8", errors="replace")

    def _from_root(self, article: Article, path: str) -> str:
        path = unquote(path)
        if path.startswith(("/", "~/")):
            return posixpath.normpath(path.lstrip("~/"))
        return posixpath.normpath(posixpath.join(posixpath.dirname(article.path), path))

    def _file(self, relative: str) -> Path | None:
        """A file inside the source; links that lead out of it name nothing."""
        if self.root is None or relative.startswith(".."):
            return None
        try:
            path = (self.root / relative).resolve()
            inside = path.is_relative_to(self.root.resolve()) and path.is_file()
        except (OSError, ValueError):  # a name the file system does not take
            return None
        return path if inside else None


def _parts(address: str) -> tuple[str, str]:
    """Path and fragment of an address; two empty texts for what is none, such as `//[`."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", ""
    return parts.path, parts.fragment
