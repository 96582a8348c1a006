"""Mail over real sockets, encrypted where the server can."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from bot.attachments import safe_name
from bot.errors import DeliveryFailed
from bot.handoff import File, Remark
from bot.handoff.guard import Guard
from bot.handoff.mail import Mail, Mailer, SmtpSink
from tests.bot.samples import NOON
from tests.bot.test_guard import leads_to
from tests.receivers import Mailbox, mail_server, words_of

PASSWORD = "p@ss:w/rd"
MAIL = Mail("anna@example.com", "We have your ticket 1", "Zażółć gęślą jaźń.\n", "mail-1", reply_to="help@example.com")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*made, *named, *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return both


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path) -> Callable[[], ssl.SSLContext]:
    return lambda: ssl.create_default_context(cafile=str(certificate))


def login(box: Mailbox) -> Callable[..., AuthResult]:
    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        box.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password.decode() == PASSWORD, handled=False)

    return check


def mailer(box: Mailbox, scheme: str = "smtp", password: str = quote(PASSWORD, safe=""), **given: Any) -> Mailer:
    return Mailer(f"{scheme}://ann:{password}@127.0.0.1:{box.port}", "desk@help.example", lambda: NOON, **given)


def test_with_starttls_the_password_goes_encrypted(
    server_tls: ssl.SSLContext, trusting: Callable[[], ssl.SSLContext]
) -> None:
    box = Mailbox()
    with mail_server(box, tls_context=server_tls, require_starttls=True, authenticator=login(box), auth_required=True):
        assert mailer(box, tls=trusting).send(MAIL) == "<mail-1@help.example>"

    (mail,) = box.mails
    assert box.logins == [("ann", PASSWORD)]
    assert [mail[name] for name in ("From", "To", "Subject", "Reply-To", "Date")] == [
        "desk@help.example", "anna@example.com", "We have your ticket 1", "help@example.com",
        "Sat, 21 Nov 2026 12:00:00 +0000",
    ]  # fmt: skip


def test_with_smtps_all_is_encrypted(server_tls: ssl.SSLContext, trusting: Callable[[], ssl.SSLContext]) -> None:
    box = Mailbox()
    with mail_server(box, ssl_context=server_tls, authenticator=login(box), auth_require_tls=False):
        mailer(box, "smtps", tls=trusting).send(MAIL)

    assert (len(box.mails), box.logins) == (1, [("ann", PASSWORD)])


def test_a_certificate_nobody_vouches_for_gets_no_password(server_tls: ssl.SSLContext) -> None:
    box = Mailbox()
    refused = pytest.raises(DeliveryFailed, match=r"^127\.0\.0\.1 does not answer: .*certificate verify failed")
    with mail_server(box, tls_context=server_tls, authenticator=login(box)), refused as caught:
        mailer(box).send(MAIL)

    assert (box.logins, box.mails, caught.value.permanent) == ([], [], False)


def test_without_encryption_no_password_is_sent() -> None:
    box = Mailbox()
    with mail_server(box), pytest.raises(DeliveryFailed, match="offers no encryption") as caught:
        mailer(box).send(MAIL)

    assert (box.mails, caught.value.permanent) == ([], True)


def test_a_wrong_password_is_told_without_it(
    server_tls: ssl.SSLContext, trusting: Callable[[], ssl.SSLContext]
) -> None:
    box = Mailbox()
    given = {"tls_context": server_tls, "authenticator": login(box)}
    with mail_server(box, **given), pytest.raises(DeliveryFailed) as caught:
        mailer(box, password="wrong-password", tls=trusting).send(MAIL)

    assert str(caught.value) == "127.0.0.1 refused the message (535 5.7.8)."
    assert "password" not in repr(mailer(box)) + str(caught.value)


@pytest.mark.parametrize("farewell", ["421 Too busy to say goodbye", "502 What?"])
def test_a_mail_that_was_taken_is_sent_however_the_farewell_goes(farewell: str) -> None:
    class Rude(Mailbox):
        async def handle_QUIT(self, *_given: Any) -> str:
            return farewell

    with mail_server(Rude()) as box:
        sender = Mailer(f"smtp://127.0.0.1:{box.port}", "desk@help.example", lambda: NOON)
        assert sender.send(MAIL) == "<mail-1@help.example>"
        assert len(box.mails) == 1


def test_the_name_of_the_help_centre_stands_beside_its_address() -> None:
    made = Mailer("smtp://127.0.0.1", "desk@help.example", lambda: NOON, "Hilfe für\n alle").compose(
        Mail("anna@example.com", "Printer", "It prints.", "k")
    )

    (sender,) = made["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Hilfe für alle", "desk@help.example")
    assert made.as_bytes().isascii()


def test_no_byte_of_a_mail_needs_more_than_seven_bits() -> None:
    made = Mailer("smtp://127.0.0.1", "desk@help.example", lambda: NOON).compose(
        Mail("q@desk.example", "Größer", "“Größer”, said Jürgen.\n" * 40, "k")
    )

    assert made.as_bytes().isascii()
    assert "Größer" in made.get_content()


def test_a_copy_of_an_agents_answer_says_who_wrote_it_and_does_not_pass_for_the_requesters_words() -> None:
    box = Mailbox()
    asked = Remark("requester", "And now?", "Printer [#1]", "anna@example.com")
    with mail_server(box):
        sink = SmtpSink(Mailer(f"smtp://127.0.0.1:{box.port}", "desk@help.example", lambda: NOON), "queue@desk.example")
        sink.say("<t@help.example>", asked, "k-1")
        sink.say("<t@help.example>", replace(asked, author="agent", text="Restart it.", heading="Ann answered"), "k-2")

    assert [(mail["Reply-To"], words_of(mail)) for mail in box.mails] == [
        ("anna@example.com", "And now?"),
        (None, "Ann answered:\n\nRestart it."),
    ]


def test_an_attached_mail_and_a_hostile_name_arrive_as_files() -> None:
    name = safe_name('a"b\r\nBcc: eve@x.example.eml')
    files = (File(name, "message/rfc822", b"Subject: x\r\n\r\nhello"),)
    box = Mailbox()
    with mail_server(box):
        made = Mailer(f"smtp://127.0.0.1:{box.port}", "desk@help.example", lambda: NOON)
        made.send(Mail("q@desk.example", "One\nTwo", "x", "k", files=files))

    (mail,) = box.mails
    (part,) = mail.iter_attachments()
    assert (mail["Subject"], mail["Bcc"]) == ("One Two", None)
    assert part.get_payload(decode=True) == b"Subject: x\r\n\r\nhello"
    assert part["Bcc"] is None


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_mail_server_whose_name_leads_to_a_links_own_addresses_gets_nothing(scheme: str, address: str) -> None:
    sender = Mailer(f"{scheme}://mail.example", "desk@help.example", lambda: NOON, guard=Guard((), leads_to(address)))
    with pytest.raises(DeliveryFailed, match=r"^mail\.example leads into a private network") as failed:
        sender.send(MAIL)
    assert failed.value.permanent


def test_a_mail_server_of_ones_own_network_needs_no_setting_and_is_looked_up_once() -> None:
    asked: list[str] = []

    def look_up(host: str, port: int) -> Any:
        asked.append(host)
        return leads_to("127.0.0.1")(host, port)

    with mail_server(Mailbox()) as box:
        url = f"smtp://mail.internal:{box.port}"
        Mailer(url, "desk@help.example", lambda: NOON, guard=Guard((), look_up)).send(MAIL)
        assert len(box.mails) == 1
    assert asked == ["mail.internal"]
