"""What zenpy does not look at: the answer bot's loop, suggestions of a form, errors, links, who sees what."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.web.site import AGENT, ARTICLES, SECRET, TWO_PRINTERS, Site, open_site

AS_AGENT = {"Authorization": f"Bearer {AGENT}"}
MORE = {
    "en/accounts/linked.md": """---
id: linked
title: Links and pictures
tags: [signing-in, mac]
keywords: [hidden-synonym]
---
See [the VPN](../network/vpn.md#top), [below](#more) and [elsewhere](https://example.org/x).

![Steps](../../pictures/steps.svg)

Write `href="/not/a/link"`.

## More

That is all.
""",
}
CENTRE = "/api/v2/help_center"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("shapes")
    with open_site(folder, {**ARTICLES, **MORE}) as opened:
        yield opened


def get(site: Site, address: str, status: int = 200, **headers: str) -> dict[str, Any]:
    response = site.client.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def post(site: Site, address: str, body: dict[str, Any], status: int = 200, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = site.client.post(address, json=body, headers=named)
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json() if response.content else {}
    return found


def number_of(site: Site, title: str) -> int:
    articles = get(site, f"{CENTRE}/articles.json?per_page=100", **AS_AGENT)["articles"]
    return next(int(each["id"]) for each in articles if each["title"] == title)


# --- articles ------------------------------------------------------------------------------------------------------


def test_links_and_pictures_of_an_article_are_whole_addresses(site: Site) -> None:
    body = get(site, f"{CENTRE}/articles/{number_of(site, 'Links and pictures')}.json")["article"]["body"]

    assert 'href="http://help.example/en/articles/vpn#top"' in body
    assert 'href="http://help.example/en/articles/linked#more"' in body
    assert 'href="https://example.org/x"' in body
    assert 'src="http://help.example/pictures/' in body
    assert '<code>href="/not/a/link"</code>' in body
    assert '<h2 id="more">More</h2>' in body


def test_labels_are_tags_and_never_hidden_synonyms(site: Site) -> None:
    found = get(site, f"{CENTRE}/articles.json?label_names=mac,signing-in")["articles"]

    assert [(each["title"], each["label_names"]) for each in found] == [("Links and pictures", ["signing-in", "mac"])]
    assert "hidden-synonym" not in site.client.get(f"{CENTRE}/articles.json?per_page=100").text
    assert get(site, f"{CENTRE}/articles.json?label_names=hidden-synonym")["count"] == 0


def test_an_address_with_a_locale_has_what_is_written_in_it(site: Site) -> None:
    polish = get(site, f"{CENTRE}/pl/articles.json")

    assert [(each["title"], each["locale"], each["source_locale"]) for each in polish["articles"]] == [
        ("Resetowanie zapomnianego hasła", "pl", "en")
    ]
    found = get(site, f"{CENTRE}/pl/articles/search.json?query=forgotten%20password")["results"]
    assert [(each["title"], each["result_type"]) for each in found] == [("Resetowanie zapomnianego hasła", "article")]
    assert found[0]["snippet"] == "Hasło zresetujesz samodzielnie w pięć minut."
    get(site, f"{CENTRE}/pl/articles/{number_of(site, 'Connect to the VPN')}.json", 404)
    assert get(site, f"{CENTRE}/en-us/articles.json")["count"] == 7
    assert get(site, f"{CENTRE}/xx/articles.json", 404)["error"] == "RecordNotFound"
    assert get(site, f"{CENTRE}/locales.json") == {"locales": ["en", "pl"], "default_locale": "en"}


def test_pages_lead_forward_and_back(site: Site) -> None:
    first = get(site, f"{CENTRE}/articles.json?per_page=3")
    second = get(site, first["next_page"])
    third = get(site, second["next_page"])
    by_cursor = get(site, f"{CENTRE}/articles.json?page[size]=3")
    after = get(site, by_cursor["links"]["next"])
    back = get(site, after["links"]["prev"])

    assert (first["count"], first["page_count"], first["previous_page"], third["next_page"]) == (7, 3, None, None)
    assert second["previous_page"] == "http://help.example/api/v2/help_center/articles.json?per_page=3&page=1"
    assert by_cursor["articles"] == first["articles"] == back["articles"]
    assert after["articles"] == second["articles"]
    assert (by_cursor["meta"]["has_more"], get(site, after["links"]["next"])["meta"]["has_more"]) == (True, False)
    assert get(site, f"{CENTRE}/articles.json?page=0", 400)["error"] == "BadRequest"
    assert get(site, f"{CENTRE}/articles.json?page[size]=3&page[after]=nonsense", 400)["error"] == "BadRequest"


def test_a_search_within_a_section_finds_what_is_in_it(site: Site) -> None:
    sections = {each["name"]: each["id"] for each in get(site, f"{CENTRE}/sections.json")["sections"]}

    found = get(site, f"{CENTRE}/articles/search.json?query=password&section={sections['Network']}")["results"]
    assert {each["section_id"] for each in found} <= {sections["Network"]}
    listed = get(site, f"{CENTRE}/articles/search.json?section={sections['Network']}")["results"]
    assert [each["title"] for each in listed] == ["Connect to the VPN"]
    assert get(site, f"{CENTRE}/articles/search.json", 400)["error"] == "BadRequest"
    assert "Internal" not in sections


def test_what_a_request_form_suggests_while_one_types_leaves_no_trace(site: Site) -> None:
    before = len(site.questions)

    found = get(site, f"{CENTRE}/deflection/suggestions.json?locale=en-us&query=I forgot my password")["results"]

    assert found[0]["name"] == "Reset a forgotten password"
    assert found[0]["html_url"].startswith("http://help.example/en/articles/reset-password")
    assert get(site, f"{CENTRE}/deflection/suggestions.json?locale=en-us&query=")["results"] == []
    assert len(site.questions) == before


# --- the answer bot's loop -----------------------------------------------------------------------------------------


def enquire(site: Site, enquiry: str = "I forgot my password") -> dict[str, Any]:
    return post(site, "/api/v2/answer_bot/answers/articles", {"enquiry": enquiry, "locale": "en-us", "reference": "r1"})


def test_an_enquiry_is_a_question_and_its_resolution_an_outcome(site: Site) -> None:
    reply = enquire(site)
    article = reply["articles"][0]
    told = {"article_id": article["article_id"], "interaction_access_token": reply["interaction_access_token"]}

    post(site, "/api/v2/answer_bot/rejection", {**told, "reason_id": 2}, 204)
    post(site, "/api/v2/answer_bot/resolution", told, 204)

    assert (article["title"], article["locale"]) == ("Reset a forgotten password", "en")
    assert article["html_url"] == "http://help.example/en/articles/reset-password"
    assert reply["deflection"] == {"id": reply["id"], "auth_token": reply["interaction_access_token"]}
    asked = site.questions[-1]
    assert (asked.text, asked.channel) == ("I forgot my password", "api")
    assert site.outcomes()[-2:] == [("not_solved", "reset-password"), ("solved", "reset-password")]


def test_nothing_is_recommended_where_nothing_is_likely(site: Site) -> None:
    assert enquire(site, "xylophone lessons")["articles"] == []


def test_an_article_that_is_left_when_the_likeliest_has_other_labels_does_not_have_its_confidence(
    tmp_path: Path,
) -> None:
    printers = {
        path: text.replace("\n---", f"\ntags: [{path.rpartition('-')[2][:-3]}]\n---", 1)
        for path, text in TWO_PRINTERS.items()
    }
    with open_site(tmp_path, printers) as site:

        def scores(*labels: str) -> list[tuple[str, float | None]]:
            asked = {"enquiry": "the printer is offline", "labels": list(labels)}
            found = post(site, "/api/v2/answer_bot/answers/articles", asked)["articles"]
            return [(article["label_names"][0], article["score"]) for article in found]

        (first, sure), (second, unknown) = scores()
        assert (sure is not None, unknown) == (True, None)
        assert scores(first) == [(first, sure)]
        assert scores(second) == [(second, None)]


def test_a_token_of_an_enquiry_is_not_to_be_forged_nor_kept_nor_used_for_another_article(site: Site) -> None:
    reply = enquire(site)
    token, article = reply["interaction_access_token"], reply["articles"][0]["article_id"]
    other = number_of(site, "Connect to the VPN")
    kept, now = len(site.outcomes()), site.app.state.desk.now()

    def resolve(token: str, article_id: int, status: int) -> None:
        told = {"article_id": article_id, "interaction_access_token": token}
        post(site, "/api/v2/answer_bot/resolution", told, status)

    payload, _, signature = token.partition(".")
    resolve(f"{payload}.{'0' * len(signature)}", article, 401)
    resolve(f"A{payload}.{signature}", article, 401)
    resolve("ł", article, 401)
    resolve(token, other, 422)
    site.set_clock(now + timedelta(days=1, seconds=1))
    try:
        resolve(token, article, 401)
    finally:
        site.set_clock(now)
    assert len(site.outcomes()) == kept


# --- who sees what -------------------------------------------------------------------------------------------------


def test_nobody_without_a_right_finds_a_word_of_an_internal_article(site: Site) -> None:
    hidden = number_of(site, f"Quixotic check of a caller ({SECRET})")
    section = get(site, f"{CENTRE}/articles/{hidden}.json", **AS_AGENT)["article"]["section_id"]
    addresses = [
        f"{CENTRE}/articles.json?per_page=100",
        f"{CENTRE}/articles/{hidden}.json",
        f"{CENTRE}/articles/{hidden}/translations.json",
        f"{CENTRE}/articles/{hidden}/comments.json",
        f"{CENTRE}/sections.json",
        f"{CENTRE}/sections/{section}.json",
        f"{CENTRE}/sections/{section}/articles.json",
        f"{CENTRE}/articles/search.json?query={SECRET}",
        f"{CENTRE}/articles/search.json?section={section}",
        f"{CENTRE}/deflection/suggestions.json?query=how do I verify a caller {SECRET}",
    ]

    site.sign_in("agent")  # a browser's cookie opens nothing here
    seen = [site.client.get(address).text for address in addresses]
    seen.append(str(enquire(site, f"how do I verify a caller, {SECRET}")))
    site.sign_out()

    words = [text.lower().replace(f"={SECRET}", "") for text in seen]
    assert [SECRET in text or "quixotic" in text or '"internal"' in text for text in words] == [False] * len(seen)


def test_a_bot_with_an_agents_token_recommends_internal_articles_only_where_it_names_their_segment(site: Site) -> None:
    hidden = number_of(site, f"Quixotic check of a caller ({SECRET})")
    segment = get(site, f"{CENTRE}/articles/{hidden}.json", **AS_AGENT)["article"]["user_segment_id"]
    enquiry: dict[str, Any] = {"enquiry": f"how do I verify a caller, {SECRET}"}

    def recommended(**headers: str) -> list[int]:
        reply = post(site, "/api/v2/answer_bot/answers/articles", enquiry, **headers)
        return [article["article_id"] for article in reply["articles"]]

    assert hidden not in recommended(**AS_AGENT)
    enquiry["user_segment_ids"] = [segment]
    assert hidden in recommended(**AS_AGENT)
    assert hidden not in recommended()


def test_tickets_are_for_agents_alone(site: Site) -> None:
    for path in ("tickets", "tickets/1", "tickets/1/comments", "requests", "requests/1", "search", "users/1"):
        assert get(site, f"/api/v2/{path}.json", 401)["error"] == "Couldn't authenticate you"


# --- tickets and errors --------------------------------------------------------------------------------------------


def test_a_request_sent_twice_with_its_key_is_one_ticket(site: Site) -> None:
    sent = {"request": {"subject": "Mouse", "comment": {"body": "Gone."}, "requester": {"email": "eve@example.com"}}}
    key = {"Idempotency_Key": "k" * 200}

    first = post(site, "/api/v2/requests.json", sent, 201, **key)["request"]
    again = post(site, "/api/v2/requests", sent, 201, **key)["request"]
    sent["request"]["subject"] = "Another"
    reused = post(site, "/api/v2/requests.json", sent, 400, **key)
    other = post(site, "/api/v2/requests.json", sent, 201)["request"]

    assert first == again
    assert other["id"] == first["id"] + 1
    assert (first["requester_id"], other["requester_id"]) == (None, None)
    read = get(site, f"/api/v2/requests/{other['id']}.json", **AS_AGENT)["request"]
    assert read["requester_id"] == first["id"]
    known = {"ticket": {"subject": "Mat", "comment": {"body": "Gone too."}, "requester_id": first["id"]}}
    assert post(site, "/api/v2/tickets.json", known, 201, **AS_AGENT)["ticket"]["requester_id"] == first["id"]
    known["ticket"]["requester_id"] = 10**6
    assert list(post(site, "/api/v2/tickets.json", known, 422, **AS_AGENT)["details"]) == ["requester_id"]
    assert reused["error"] == "IdempotentRequestError"


def test_a_ticket_is_changed_as_a_whole_or_not_at_all(site: Site) -> None:
    sent = {"request": {"comment": {"body": "Keyboard broken."}, "requester": {"email": "eve@example.com"}}}
    made = post(site, "/api/v2/requests.json", sent, 201)["request"]
    address = f"/api/v2/tickets/{made['id']}.json"

    def change(code: int, **ticket: Any) -> dict[str, Any]:
        response = site.client.put(address, json={"ticket": ticket}, headers=AS_AGENT)
        assert response.status_code == code, response.text
        found: dict[str, Any] = response.json()
        return found

    assert made["subject"] == "Keyboard broken."
    assert list(change(422, status="pending")["details"]) == ["status"]
    assert list(change(422, status="nonsense")["details"]) == ["ticket.status"]
    assert list(change(422, comment={"body": "Hello"}, assignee_id=1)["details"]) == ["assignee_id"]
    assert list(change(422, comment={"body": " "})["details"]) == ["text"]
    assert get(site, address.replace(".json", "/comments.json"), **AS_AGENT)["count"] == 1
    me = get(site, "/api/v2/users/me.json", **AS_AGENT)["user"]["id"]
    after = change(200, status="hold", priority="high", assignee_id=me)["ticket"]
    assert (after["status"], after["priority"], after["assignee_id"]) == ("hold", "high", me)
    assert change(200, assignee_id=None, comment={"body": "Try another."})["ticket"]["status"] == "pending"
    assert get(site, f"/api/v2/users/{after['requester_id']}.json", **AS_AGENT)["user"]["email"] == "eve@example.com"


def test_errors_have_the_shape_clients_know(site: Site) -> None:
    nowhere = get(site, "/api/v2/macros.json", 404)
    unknown = get(site, f"/api/v2/tickets/{10**30}.json", 404, **AS_AGENT)
    invalid = post(site, "/api/v2/requests.json", {"request": {"comment": {"body": "x"}}}, 422)
    wrong = get(site, "/api/v2/search.json?query=type:ticket created>2026", 400, **AS_AGENT)

    cursor = b64encode(f"{10**20}.1".encode()).decode()
    far = get(site, f"/api/v2/tickets.json?page[after]={cursor}", 400, **AS_AGENT)
    assert far["description"] == "The cursor is none of ours. Begin again without one."
    assert "Give at least one" in get(site, f"{CENTRE}/articles/search.json?section={'9' * 5_000}", 400)["description"]
    assert nowhere["error"] == "InvalidEndpoint"
    assert unknown["error"] == "RecordNotFound"
    assert (invalid["error"], invalid["description"]) == ("RecordInvalid", "Record validation errors")
    assert invalid["details"]["requester"][0]["error"] == "InvalidValue"
    assert "created>2026" in wrong["description"]


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    with open_site(tmp_path, {"a.md": "# A\n\nText.\n"}, rate_typing="1/hour") as site:
        codes = [site.client.get(f"{CENTRE}/deflection/suggestions.json?query=text") for _ in range(11)]

    assert [each.status_code for each in codes] == [200] * 10 + [429]
    assert codes[-1].json()["error"] == "APIRateLimitExceeded"
    assert int(codes[-1].headers["retry-after"]) > 3_000


def test_our_own_reference_does_not_list_it(site: Site) -> None:
    assert [path for path in get(site, "/api/v1/openapi.json")["paths"] if not path.startswith("/api/v1/")] == []
