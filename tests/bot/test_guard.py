"""Where our requests may go: never into our own network, unless a setting says so."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from bot.errors import DeliveryFailed
from bot.handoff import wire
from bot.handoff.guard import Guard
from bot.handoff.wire import Wire

OWN = """127.0.0.1 127.255.255.254 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1
100.100.100.200 168.63.129.16 192.0.0.192 198.18.0.1 192.0.2.1 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1
255.255.255.255 ::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:a00:1 ::ffff:169.254.169.254 64:ff9b::7f00:1
64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
fe80::1 fe80::1%1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1 2001:db8::1 100::1""".split()
PUBLIC = """93.184.216.34 8.8.8.8 172.32.0.1 192.169.0.1 2606:2800:220:1:248:1893:25c8:1946 ::ffff:93.184.216.34
64:ff9b::808:808 2002:808:808::1""".split()


def leads_to(*addresses: str) -> Any:
    """A lookup that leads every name to these addresses."""

    def look_up(_host: str, port: int) -> Sequence[Any]:
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, addresses, strict=True)
        ]

    return look_up


def test_every_address_that_is_not_of_the_internet_is_refused() -> None:
    assert [address for address in OWN if Guard().allows("desk.example", address)] == []
    assert [address for address in PUBLIC if not Guard().allows("desk.example", address)] == []


def test_all_ways_to_write_this_machine_are_refused_before_anything_is_connected() -> None:
    for host in (
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ):
        with pytest.raises(DeliveryFailed, match="leads into a private network") as caught:
            Wire(f"http://{host}:9/hook").post("", {})
        assert caught.value.permanent


def test_what_a_setting_allows_is_a_network_an_address_or_a_name() -> None:
    guard = Guard(("10.0.0.0/8", "127.0.0.1", "Desk.internal", "fd00::/8"))

    allowed = {"10.1.2.3", "127.0.0.1", "::ffff:10.1.2.3", "fd00:ec2::254"}
    assert {address for address in [*OWN, "10.1.2.3", "::ffff:10.1.2.3"] if guard.allows("other", address)} == {
        *allowed,
        "10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:a00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
    }
    assert guard.allows("desk.internal.", "192.168.1.1")
    assert not any(guard.allows("desk.internal", address) for address in ("169.254.169.254", "224.0.0.1", "0.0.0.0"))  # noqa: S104
    assert not guard.allows("not-desk.internal", "192.168.1.1")
    assert Guard(("169.254.0.0/16",)).allows("link.internal", "169.254.7.7")


def test_what_can_be_told_without_looking_up_is_refused_in_the_settings_already() -> None:
    assert [
        host for host in ("127.0.0.1", "::1", "localhost", "a.localhost", "10.0.0.1") if not Guard().refuses(host)
    ] == []
    assert [host for host in ("desk.example", "93.184.216.34") if Guard().refuses(host)] == []
    assert not Guard(("localhost",)).refuses("localhost")


def test_a_name_that_leads_elsewhere_a_moment_later_is_connected_to_where_it_was_checked() -> None:
    """DNS rebinding: the second answer would be another machine; nobody asks for it."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        answers = iter(["127.0.0.1", "127.0.0.2"])

        def look_up(host: str, given: int) -> Sequence[Any]:
            asked.append(host)
            return leads_to(next(answers))(host, given)

        heard: list[bytes] = []

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                heard.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=answer)
        thread.start()
        Wire(f"http://desk.example:{port}/hook", guard=Guard(("127.0.0.1",), look_up)).get("")
        thread.join()

    assert asked == ["desk.example"]
    assert f"Host: desk.example:{port}".encode() in heard[0]


def test_of_several_addresses_only_those_are_tried_that_may_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        guard = Guard(("127.0.0.1",), leads_to("10.9.9.9", "169.254.169.254", "127.0.0.1"))
        guard.connect("desk.example", port, 1.0).close()
    with pytest.raises(DeliveryFailed, match=r"desk\.example leads into a private network \(10\.9\.9\.9\)"):
        Guard((), leads_to("10.9.9.9", "169.254.169.254")).connect("desk.example", 80, 1.0)


def test_tls_asks_for_the_name_and_not_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Context:
        def wrap_socket(self, sock: socket.socket, server_hostname: str) -> socket.socket:  # noqa: ARG002
            asked.append(server_hostname)
            raise ssl.SSLError("far enough")

    monkeypatch.setattr(wire.ssl, "create_default_context", Context)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://desk.example:{listening.getsockname()[1]}"
        with pytest.raises(DeliveryFailed, match="does not answer"):
            Wire(url, guard=Guard(("127.0.0.1",), leads_to("127.0.0.1"))).get("/")
    assert asked == ["desk.example"]
