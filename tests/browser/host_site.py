"""Somebody else's site that embeds the widget: a few pages served from another port of this machine.

It has a desk as well, which takes all webhooks but those with `REFUSED` in them.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSED = "pangolin"
#: All that a careful site allows: this one script, connections and pictures of the help centre.
STRICT_CSP = "default-src 'none'; script-src {base}; connect-src {base}; img-src {base}"
HOSTILE_CSS = """
* { all: unset !important }
div, dialog, button { display: none !important }
firstline-widget { display: none !important; opacity: 0 !important; transform: scale(0) !important }
html { font-size: 2px !important; zoom: 1 }
body { direction: rtl }
"""
#: A site with looks of its own, for the pictures.
_QUIET_CSS = """
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
body { max-width: 720px; margin: 0 auto; padding: 32px 24px }
"""
_TEXT = "<h1>Acme intranet</h1>" + "<p>Canteen, news and forms of a company that is not ours.</p>" * 12
#: Two panels in the page beside the button, links that lead into them, and what an application called early.
_INLINE = """<h1>VPN</h1>
<script>window.firstline = { queue: [["on", "ticket", (told) => (window.number = told.number)]] }</script>
<p><a href="#help">Help</a> <a href="#help/vpn-connect">Read about the VPN</a> <a href="#help?q=account">Account</a></p>
<div id="here" style="min-height: 480px"></div><p id="below">Below</p>
<script src="{base}/widget.js" data-mode="inline" data-target="#here" data-title="Ask here"></script>
<script src="{base}/widget.js" data-mode="inline" data-title="Or here"></script>"""

#: A ticket of another desk with the agents' panel beside it; `told` is what the panel says to it.
_DESK = """<h1>Ticket 4711</h1>
<script>
window.told = []
addEventListener("message", (event) => event.origin === "{base}" && told.push(event.data))
</script>
<iframe title="Firstline" width="380" height="700" allow="clipboard-write"
  src="{base}/agent/panel?subject=The+pangolin+badge+is+refused&body=I+cannot+connect+to+the+VPN"></iframe>"""


@dataclass(frozen=True, slots=True)
class HostPage:
    """A page: what its author wrote besides the script tag. `{base}` stands for the address of the help centre."""

    attributes: str = 'data-title="Help" data-lang="en"'
    tags: int = 1
    css: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = _TEXT

    def html(self, base: str) -> str:
        tag = f'<script src="{base}/widget.js" {self.attributes} async></script>'
        style = f"<style>{self.css}</style>" if self.css else ""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Acme intranet</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">{style}{tag * self.tags}</head>'
            f'<body>{self.body.replace("{base}", base)}<label>Search Acme <input id="acme"></label></body></html>'
        )


PAGES: Mapping[str, HostPage] = {
    "/": HostPage(css=_QUIET_CSS),
    "/hostile": HostPage(css=HOSTILE_CSS),
    "/trusted-types": HostPage(
        headers={
            "Content-Security-Policy": STRICT_CSP + "; require-trusted-types-for 'script'; trusted-types firstline"
        }
    ),
    "/nonce": HostPage(
        'nonce="one-time"',
        headers={"Content-Security-Policy": STRICT_CSP.replace("script-src {base}", "script-src 'nonce-one-time'")},
    ),
    "/isolated": HostPage(headers={"Cross-Origin-Embedder-Policy": "require-corp"}),
    "/twice": HostPage(tags=2),
    "/orange": HostPage('data-title="Ask us" data-color="#ff8800"'),
    "/bad-colour": HostPage('data-color="red;} * {display:none"'),
    "/polish": HostPage('data-lang="pl"'),
    "/context": HostPage(
        'data-title="Help" data-product="Ledger 4" data-department="Accounts" data-email="kim@example.com"'
    ),
    "/inline": HostPage(css=":root { --firstline-height: 480px }", body=_INLINE),
    "/desk": HostPage(tags=0, body=_DESK),
    "/unknown-language": HostPage('data-lang="xx"'),
}


@contextmanager
def host_site(pages: Mapping[str, HostPage] = PAGES) -> Iterator[HostSite]:
    """A running site on a free port; `help_centre` is set once the help centre's address is known."""
    site = HostSite(pages)
    thread = threading.Thread(target=site.server.serve_forever, name="host site")
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        thread.join()
        site.server.server_close()


class HostSite:
    def __init__(self, pages: Mapping[str, HostPage]) -> None:
        self.help_centre = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.get(self.path.partition("?")[0])
                body = page.html(site.help_centre).encode() if page else b""
                self.send_response(200 if page else 204)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for name, value in (page.headers if page else {}).items():
                    self.send_header(name, value.format(base=site.help_centre))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                told = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(422 if REFUSED.encode() in told else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Silent: what matters is asserted."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def handoff(self) -> dict[str, str]:
        """The settings, as environment variables, of a help centre that hands its tickets on to this site."""
        return {
            "FIRSTLINE_HANDOFF": "webhook",
            "FIRSTLINE_HANDOFF_URL": f"{self.base}/desk",
            "FIRSTLINE_OUTGOING_PRIVATE_HOSTS": "127.0.0.1",
            "FIRSTLINE_HANDOFF_SECRET": "whsec_" + b64encode(b"a secret of the tests, no more").decode(),
        }
