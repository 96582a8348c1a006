"""One Firstline hands its tickets on to another one, as it would to Zendesk."""

from __future__ import annotations

from pathlib import Path

from bot.handoff import HandedTicket, Remark
from bot.handoff.wire import Wire
from bot.handoff.zendesk import ZendeskSink
from bot.tickets import taken
from tests.bot.samples import NOON, draft
from tests.receivers import LOOPBACK
from tests.web.live import live_site
from tests.web.site import AGENT, ARTICLES


def test_tickets_and_what_is_said_to_them_arrive_once_and_as_the_words_of_whoever_wrote_them(
    tmp_path: Path,
) -> None:
    with live_site(tmp_path, ARTICLES, base_url="") as site:
        sink = ZendeskSink(site.base, "agent@example.com", AGENT, guard=LOOPBACK)
        tickets = [taken(draft(subject=f"Printer {n}"), f"ticket-{n}", n, (), NOON, ()) for n in (1, 2)]
        references = [sink.submit(HandedTicket(each), f"zendesk-{each.id}").reference for each in (*tickets, *tickets)]
        said = Remark("requester", "And now it smokes.", "Printer 2", "anna@example.com")
        for _ in range(2):
            sink.say(references[1], said, "k-1")
        for _ in range(2):
            sink.say(references[1], Remark("agent", "Pull the plug."), "k-2")

        assert references == ["1", "2", "1", "2"]
        wire = Wire(site.base, {"Authorization": f"Bearer {AGENT}"}, guard=LOOPBACK)
        ticket = wire.get("/api/v2/tickets/2.json")["ticket"]
        comments = wire.get("/api/v2/tickets/2/comments.json")["comments"]
        said_by_them = [(one["body"], one["public"], one["author_id"] == ticket["requester_id"]) for one in comments]
        assert (ticket["subject"], ticket["status"]) == ("Printer 2", "open")
        assert said_by_them[1:] == [("And now it smokes.", True, True), ("Pull the plug.", False, False)]
        assert wire.get("/api/v2/tickets/count.json")["count"]["value"] == 2
