"""Where files of the articles are edited in a browser."""

from __future__ import annotations

import pytest

from bot.publishing.forge import address
from bot.publishing.remote import Remote


@pytest.mark.parametrize(
    ("remote", "at"),
    [
        ("https://github.com/desk/a.git", "https://github.com/desk/a/blob/main/docs/en/my%20vpn.md?plain=1#L3"),
        ("git@github.com:desk/a.git", "https://github.com/desk/a/blob/main/docs/en/my%20vpn.md?plain=1#L3"),
        (
            "https://bot:s3cret@gitlab.example.com:8443/it/desk/a",
            "https://gitlab.example.com:8443/it/desk/a/-/blob/main/docs/en/my%20vpn.md?plain=1#L3",
        ),
        (
            "ssh://git@codeberg.org:2222/desk/a.git/",
            "https://codeberg.org/desk/a/src/branch/main/docs/en/my%20vpn.md?display=source#L3",
        ),
        ("https://git.example.com/desk/a.git", ""),
        ("https://notgithub.com/desk/a.git", ""),
        ("/srv/github/a.git", ""),
        ("file:///srv/a.git", ""),
    ],
)
def test_a_line_of_a_file_is_looked_at_on_the_forge_its_host_is_called_after(remote: str, at: str) -> None:
    assert address(Remote.of(remote, folder="docs"), "main", "en/my vpn.md", 3) == at


def test_a_file_without_a_line_has_an_address_and_what_has_no_branch_has_none() -> None:
    remote = Remote.of("https://github.com/desk/a")
    assert address(remote, "a#b", "vpn.md") == "https://github.com/desk/a/blob/a%23b/vpn.md?plain=1"
    assert address(remote, "", "vpn.md") == ""
