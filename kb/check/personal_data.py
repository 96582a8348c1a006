"""Personal data that was pasted in: a person's mail address or mobile number, card and account numbers.

Help articles are full of addresses and numbers that are meant to be read: those of teams, of examples, of telephone
lines. So an address counts only where it is a person's by its form (`first.last@`, or a mailbox of a free provider), a
telephone number only where its country keeps the range for mobile telephones.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers

from kb.check.pages import Pages
from kb.check.report import Finding, warning
from kb.personal import IBAN, is_iban, passes_luhn

#: Read from the `@` on, and what stands before it backwards: most files hold none.
_AT = re.compile(r"@((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24})(?![\w@])", re.IGNORECASE)
_LOCAL = re.compile(r"(?<![\w.+%/=-])[^\W_][\w.+-]{1,63}\Z")
#: Domains of documentation: RFC 2606 and 6761, and the companies that Microsoft made up.
_EXAMPLE_DOMAIN = re.compile(
    r"(?:^|[.-])(?:example|test|invalid|localhost|sample|domain\w{0,8}|sub-?domain|your-?domain|your-?company|my-?domain|company"
    r"|my-?company|server|host|foo|bar|acme|corp|contoso\w{0,8}|fabrikam|adatum|adventure-?works|alpineskihouse|bellowscollege"
    r"|cohovineyard|cohowinery|cpandl|fourthcoffee|lamnahealthcare|litware(?:inc)?|lucernepublishing|margiestravel"
    r"|munsonspicklesandpreservesfarm|nodpublishers|northwindtraders|proseware|relecloud|southridgevideo|tailspintoys"
    r"|treyresearch|vanarsdelltd|wideworldimporters|wingtiptoys|woodgrovebank)(?:\.|$)"
)
_FREE = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com aol.com
    gmx.de gmx.net gmx.com web.de t-online.de mail.ru yandex.ru bk.ru list.ru inbox.ru wp.pl o2.pl onet.pl interia.pl
    poczta.fm op.pl libero.it virgilio.it tiscali.it alice.it orange.fr wanadoo.fr free.fr laposte.net ziggo.nl
    kpnmail.nl planet.nl xs4all.nl hotmail.co.uk yahoo.co.uk hotmail.fr hotmail.it hotmail.es protonmail.com
    proton.me pm.me fastmail.com hey.com tutanota.com tuta.com mail.com zoho.com btinternet.com sky.com comcast.net
    verizon.net att.net sbcglobal.net rocketmail.com hotmail.de outlook.de live.de yahoo.de freenet.de arcor.de
    bluewin.ch yahoo.fr live.fr sfr.fr neuf.fr outlook.fr
    yahoo.it outlook.it tin.it yahoo.es outlook.es live.nl hetnet.nl home.nl
    telenet.be skynet.be seznam.cz email.cz centrum.cz azet.sk zoznam.sk freemail.hu citromail.hu abv.bg rambler.ru
    yandex.com ukr.net i.ua gazeta.pl vp.pl sapo.pt bol.com.br uol.com.br terra.com.br qq.com 163.com 126.com naver.com
    daum.net rediffmail.com
    """.split()
)
#: What says that the address behind it is made up, in the languages of the interface.
_AS_EXAMPLE = re.compile(
    r"(?:example|e\.\s?g\.|such as|if your\b|z\.\s?B\.|beispiel|\bnp\.|przykład|exemple|p\.\s?ej\.|ejemplo|esempio"
    r"|\bes\.|bijv\.|voorbeeld|пример)[^@\n]{0,40}\Z",
    re.IGNORECASE,
)
#: Words of mailboxes that belong to no person.
_TEAMS = frozenset(
    """
    abuse account accounts address admin administrator alias all archive bill billing bot calendar chat commercial
    compliance contact customer data delist desk dev developer dpo email events example facilities feedback finance
    firstname first fname group hello help helpdesk hostmaster hr info infra internal invoice it jobs last lastname
    legal list lname mail mailbox mailer mailing manager marketing media messages my name network news newsletter
    noreply no nobody notification notifications office onboarding opencode operations order orders payroll phone
    postmaster press privacy project reception recruitment reply report reports room sales scan scanner security sender
    server service services shared shop someone spam staff support surname sync system systems team teams test tester
    user username users web webmaster website work workspace your yourname youremail
    """.split()
)
#: Names that stand for nobody in the examples of many countries.
_NOBODY = frozenset(
    """
    john jane joe doe bob bill smith max erika mustermann musterfrau jan anna kowalski kowalska nowak mario maria rossi
    bianchi jean marie dupont martin juan perez garcia ivan ivanov ivanova jansen devries piet
    """.split()
)
#: A telephone number with its country, and whatever digits follow it.
_ABROAD = re.compile(r"(?<![\w+./:=-])(?:\+|00)[1-9][\d ()./\u00a0\u202f\u2011-]{5,28}\d(?![\w-])")
#: Ofcom, ARCEP and the Bundesnetzagentur keep these for films and examples; the rest counts up or repeats.
_MADE_UP = re.compile(r"447700900\d{3}|336399[89]\d{5}|4915\d{0,2}0{4}|12345|23456|(\d)\1{4}")
_CARD_START = re.compile(r"\d{4}[ -]?\d{4}[ -]?\d{4}|3[47]\d{2}[ -]?\d{6}")
_CARD = re.compile(
    r"(?<![\w.,+/=-])(?:\d{4}[ -]?){3}\d{4}(?:[ -]\d{3})?(?![\w-]|\.\d)"
    r"|(?<![\w.,+/=-])3[47]\d{2}[ -]?\d{6}[ -]?\d{5}(?![\w-]|\.\d)"
)
#: What card numbers begin with: Mastercard's 2221 to 2720, and 3 to 6.
_ISSUED = re.compile(r"[3-6]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)")
#: Card numbers that payment providers publish for tests.
_TEST_CARDS = frozenset(
    """
    4242424242424242 4111111111111111 4000056655665556 5555555555554444 5105105105105100 2223003122003222
    4012888888881881 378282246310005 371449635398431 4000000000000002 5200828282828210 6011111111111117
    3530111333300000 4222222222222220
    """.split()
)
#: Account numbers that stand in every description of IBAN.
_EXAMPLE_IBANS = frozenset(
    "GB82WEST12345698765432 DE89370400440532013000 GB29NWBK60161331926819 FR1420041010050500013M02606".split()
)
_IBAN_START = re.compile(r"\b[A-Za-z]{2}\d\d[ \u00a0\u202f-]?[A-Za-z0-9]{4}")


def personal_data(pages: Pages, known: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """`known` are addresses the site itself gives to readers, in lower case."""
    for page in pages.living:
        breaks: list[int] | None = None
        for start, kind, shown in sorted(_found(page.text, known)):
            if breaks is None:
                breaks = [place for place, char in enumerate(page.text) if char == "\n"]
            line = page.row or bisect_right(breaks, start) + 1
            fix = "Take it out, or write an example: name@example.com, +44 7700 900123."
            yield warning(page.path, line, "personal-data", f"This looks like {kind}: {shown}.", fix)


def _found(text: str, known: frozenset[str]) -> Iterator[tuple[int, str, str]]:
    """(where, what, its beginning) of everything personal in a text."""
    for at in _AT.finditer(text):
        local = _LOCAL.search(text, max(at.start() - 66, 0), at.start())
        if local is None or text.startswith("mailto:", max(local.start() - 7, 0)):
            continue
        if _AS_EXAMPLE.search(text, max(local.start() - 60, 0), local.start()):
            continue
        if _is_person(local[0], at[1]) and f"{local[0]}@{at[1]}".lower() not in known:
            yield local.start(), "a person's address", f"{local[0][:2]}…@{at[1]}"
    for begins in _ABROAD.finditer(text):
        if (number := _mobile(begins[0])) and number not in known:
            yield begins.start(), "a mobile number", f"{number[:6]}…"
    for match in _CARD.finditer(text) if _CARD_START.search(text) else ():
        digits = re.sub(r"\D", "", match[0])
        if passes_luhn(digits) and _ISSUED.match(digits) and digits not in _TEST_CARDS and len(set(digits)) > 4:
            yield match.start(), "a card number", f"{match[0][:4]}…"
    if _IBAN_START.search(text):
        for match in IBAN.finditer(text):
            compact = re.sub(r"[^A-Z0-9]", "", match[0].upper())
            if is_iban(match[0]) and compact not in _EXAMPLE_IBANS and len(set(compact[4:])) > 4:
                yield match.start(), "an account number", f"{match[0][:4]}…"


@lru_cache(maxsize=4096)  # a help line stands on every page, and each look takes a millisecond
def _mobile(text: str) -> str | None:
    """The number a text begins with, as it is written, where its country keeps that range for mobiles alone."""
    spelled = text.replace("(0)", "").replace("00", "+", 1) if text.startswith("00") else text.replace("(0)", "")
    found = next(iter(phonenumbers.PhoneNumberMatcher(spelled, None)), None)
    if (
        found is None
        or found.start > 0
        or phonenumbers.number_type(found.number) != phonenumbers.PhoneNumberType.MOBILE
    ):
        return None
    digits = f"{found.number.country_code}{found.number.national_number}"
    return None if _MADE_UP.search(digits) else text[: len(text) - len(spelled) + found.end]


def _is_person(local: str, domain: str) -> bool:
    domain = domain.lower()
    if _EXAMPLE_DOMAIN.search(domain):
        return False
    parts = [part for part in re.split(r"[._+-]|\d+", local.lower()) if part]
    if all(part in _NOBODY for part in parts) or any(part in _TEAMS for part in parts):
        return False
    if re.search("user|test|example|account|mail|admin", local.lower()):
        return False
    if domain in _FREE:
        return True
    # first.last or f.last: what a company calls a person, and never a team of one word.
    names = re.fullmatch(r"[^\W\d_]{1,20}(?:-[^\W\d_]{2,20})?[._-][^\W\d_]{3,30}\d{0,3}", local.lower()) is not None
    return names and local.lower().count("_") == 0 and not local.lower().startswith(("no-", "do-", "e-"))
