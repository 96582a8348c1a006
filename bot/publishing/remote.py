"""Where articles are published from: a repository, a branch of it, a folder in it."""

from __future__ import annotations

import base64
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.errors import Message, RemoteUnusable
from kb.errors import RepositoryError
from kb.repository import Repository

_SCHEMES = ("http", "https", "ssh", "git", "file")
#: `git@example.com:desk/articles.git`
_SCP = re.compile(r"(?:[^\s@:/]+@)?[^\s@:/]+:(?!/?/)\S+|(?:[^\s@:/]+@)[^\s@:/]+:\S+")


@dataclass(frozen=True, slots=True, repr=False)
class Remote:
    """A remote repository. `url` names it without a password, `credentials` are `user:password` or "".

    `branch` is "" for the one the repository itself calls its main one; `folder` is "" for the whole repository.
    """

    url: str
    branch: str = ""
    folder: str = ""
    credentials: str = ""

    @classmethod
    def of(cls, address: str, branch: str = "", folder: str = "") -> Remote:
        """A remote as settings write it. Raises ValueError that shows no password."""
        inside = posixpath.normpath(folder.strip("/")) if folder.strip("/") else ""
        if inside.startswith(".."):
            raise ValueError("articles_path leads out of the repository; write a folder of it, such as docs/articles")
        if branch.startswith("-") or re.search(r"[\s~^:?*\[\\\x00-\x1f]|\.\.", branch):
            raise ValueError(f"articles_branch: {branch!r} is no name of a branch; write one such as main")
        url, credentials = _parted(address)
        return cls(url, branch, "" if inside == "." else inside, credentials)

    @classmethod
    def behind(cls, source: Path) -> Remote:
        """What a checkout that holds `source` follows: the upstream of its branch. Raises RemoteUnusable."""
        try:
            checkout = Repository.at(source if source.is_dir() else source.parent)
        except RepositoryError:
            raise RemoteUnusable(
                Message(
                    "%(folder)s lies in no git repository. Set articles_remote to the address of the repository the "
                    "articles are kept in, or publish the folder with: firstline index",
                    folder=str(source),
                )
            ) from None
        try:
            head = checkout.git("symbolic-ref", "--quiet", "--short", "HEAD").strip()
            name = checkout.git("config", f"branch.{head}.remote").strip()
            branch = checkout.git("config", f"branch.{head}.merge").strip().removeprefix("refs/heads/")
            address = str(checkout.top) if name == "." else checkout.git("remote", "get-url", name).strip()
        except RepositoryError:
            raise RemoteUnusable(
                Message(
                    "The branch checked out in %(folder)s follows no other repository. Have it follow one with: "
                    "git push --set-upstream origin HEAD. Or set articles_remote.",
                    folder=str(checkout.top),
                )
            ) from None
        inside = checkout.prefix.rstrip("/")
        if source.is_file():
            inside = posixpath.join(inside, source.name)
        beside = checkout.top / address
        try:
            return cls.of(str(beside.resolve()) if beside.exists() else address, branch, inside)
        except ValueError as error:
            raise RemoteUnusable(Message("%(reason)s", reason=str(error))) from None

    @property
    def settings(self) -> dict[str, str]:
        """The settings of git that sign in, so that neither an address nor an error message holds the password.

        With them no redirect is followed: git would send the header on to wherever it leads.
        """
        if not self.credentials:
            return {}
        parts = urlsplit(self.url)
        signed = base64.b64encode(self.credentials.encode()).decode()
        header = f"http.{parts.scheme}://{parts.netloc}/.extraHeader"
        return {header: f"Authorization: Basic {signed}", "http.followRedirects": "false"}

    def __repr__(self) -> str:
        return f"<Remote {self.url}{f' {self.branch}' if self.branch else ''}>"


def _parted(address: str) -> tuple[str, str]:
    """The address without what is secret of it, and its credentials. Raises ValueError."""
    wrong = ValueError(
        "articles_remote is no address of a repository; write https://git.example.com/desk/articles.git, "
        "git@git.example.com:desk/articles.git or the path of a folder"
    )
    if not address.strip() or address.startswith("-") or any(char < " " for char in address):
        raise wrong
    if "://" not in address:
        if "::" in address:  # git would start a program of that name
            raise wrong
        path = Path(address).expanduser()
        return (address if _SCP.fullmatch(address) and not path.exists() else str(path.absolute())), ""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in _SCHEMES and (parts.scheme == "file" or bool(parts.hostname)) and parts.port != 0
    except ValueError:  # a port that is no number
        raise wrong from None
    if not usable:
        raise wrong
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in ("http", "https"):
        plain = f"{parts.scheme}://{host}{parts.path}"
        return plain, f"{unquote(user)}:{unquote(password)}" if user or password else ""
    return f"{parts.scheme}://{f'{user}@' if user else ''}{host}{parts.path}", ""
