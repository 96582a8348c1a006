"""Where a file of the articles is looked at and edited in a browser: on the forge that the remote lies on."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import quote, urlsplit

from bot.publishing.remote import Remote

#: `git@github.com:desk/articles.git`
_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/@]+):(?P<path>.+)")
#: What names of hosts tell of the forge, and its address of a line of a file of a branch. `plain` and `display` have
#: the text be shown that the line is of, and not what is made of it.
_FORGES = (
    ("github", "/blob/{branch}/{file}?plain=1"),
    ("gitlab", "/-/blob/{branch}/{file}?plain=1"),
    ("gitea", "/src/branch/{branch}/{file}?display=source"),
    ("forgejo", "/src/branch/{branch}/{file}?display=source"),
    ("codeberg", "/src/branch/{branch}/{file}?display=source"),
)


def address(remote: Remote, branch: str, path: str, line: int = 0) -> str:
    """The address of a file that is named from the folder of the articles; "" where the forge is none that we know.

    `line` is 0 for the whole file.
    """
    parts = urlsplit(remote.url) if "://" in remote.url else None
    if parts:
        # What ssh listens on tells nothing of where the pages are.
        host = parts.netloc if parts.scheme in ("http", "https") else parts.hostname or ""
        scheme, folder = ("http" if parts.scheme == "http" else "https"), parts.path
    elif found := _SCP.fullmatch(remote.url):
        scheme, host, folder = "https", found["host"], found["path"]
    else:
        return ""
    # A name of one of these forges, or of an own server that is called after it: gitlab.example.com.
    labels = host.lower().partition(":")[0].split(".")
    known = next((form for name, form in _FORGES if name in labels), "")
    if not known or not branch or not path:
        return ""
    file = quote(posixpath.join(remote.folder, path))
    place = known.format(branch=quote(branch), file=file)
    return f"{scheme}://{host}/{folder.strip('/').removesuffix('.git')}{place}{f'#L{line}' if line else ''}"
