"""Which addresses are asked: through the real client, against a publisher that must hear of nothing else."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import httpx
import pytest

from config.settings import Fetch
from errors import SourceError
from sources import fetch
from sources.addresses import is_public, refuse
from sources.documents import Fetched
from tests.fakes.publisher import FakePublisher

CLOSED = Fetch(timeout=2.0)
OPENED = Fetch(timeout=2.0, allow_networks=("127.0.0.0/8",))


@pytest.fixture
def publisher() -> Iterator[FakePublisher]:
    with FakePublisher() as made:
        made.set("/feed.xml", "<rss></rss>")
        yield made


@pytest.fixture
async def closed() -> AsyncIterator[httpx.AsyncClient]:
    async with fetch.client(CLOSED, "0") as made:
        yield made


@pytest.fixture
async def opened() -> AsyncIterator[httpx.AsyncClient]:
    async with fetch.client(OPENED, "0") as made:
        yield made


def names(monkeypatch: pytest.MonkeyPatch, **known: list[str]) -> list[str]:
    """A resolver that answers each name with its addresses, one a question; returns the questions."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        key = host.split(".", maxsplit=1)[0]
        answers = known.get(key, [host])
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(0, 0, 0, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


# ----------------------------------------------------------------------------------------------------- the rules


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.1.1",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:db8::1", "3fff::1", "5f00::1",
        "168.63.129.16",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(SourceError) as caught:
        refuse(ip_address(address), "host.example", ())
    assert caught.value.reason == "address"
    assert str(ip_address(address)) in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.1",
     "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"],
)  # fmt: skip
def test_what_is_public_is_not_refused(address: str) -> None:
    assert is_public(ip_address(address))
    refuse(ip_address(address), "host.example", ())


def test_opened_networks_hold_also_in_their_ipv6_forms_and_never_for_metadata() -> None:
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    for address in ("10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fd12::1", "::1"):
        refuse(ip_address(address), "host.example", everything)
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::a9fe:a9fe", "fd00:ec2::254",
                    "169.254.170.2", "100.100.100.200"):  # fmt: skip
        with pytest.raises(SourceError, match="never read"):
            refuse(ip_address(address), "host.example", everything)


# ------------------------------------------------------------------------------------------------- through the client


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0", "localhost", "[::1]",
     "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[fe80::1%25lo]",
     "public.example@127.0.0.1", "127.0.0.1.", "①②⑦.0.0.1", "127。0。0。1", "0177.0.0.1"],
)  # fmt: skip
async def test_no_spelling_of_an_inner_address_is_asked(
    publisher: FakePublisher, closed: httpx.AsyncClient, opened: httpx.AsyncClient, host: str
) -> None:
    url = f"http://{host}:{publisher.port}/feed.xml"
    for http, settings, trusted in ((closed, CLOSED, False), (closed, CLOSED, True), (opened, OPENED, False)):
        with pytest.raises(SourceError) as caught:
            await fetch.fetch(http, url, {}, settings, trusted=trusted)
        assert caught.value.reason in ("address", "connect", "dns"), str(caught.value)
    assert publisher.requests == []


async def test_the_refusal_names_the_address_and_the_key_that_opens_it(
    publisher: FakePublisher, closed: httpx.AsyncClient
) -> None:
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1 is not a public address: .*allow_networks"):
        await fetch.fetch(closed, f"{publisher.url}/feed.xml", {}, CLOSED)
    with pytest.raises(SourceError, match=r"is not a public address \(localhost leads there\): "):
        await fetch.fetch(closed, f"http://localhost:{publisher.port}/feed.xml", {}, CLOSED)


async def test_an_opened_network_is_open_for_sources_of_the_file_only(
    publisher: FakePublisher, opened: httpx.AsyncClient
) -> None:
    url = f"{publisher.url}/feed.xml"
    assert isinstance(await fetch.fetch(opened, url, {}, OPENED, trusted=True), Fetched)
    with pytest.raises(SourceError, match="not a public address"):  # nor over the connection that is still open
        await fetch.fetch(opened, url, {}, OPENED, trusted=False)
    assert len(publisher.requests) == 1


async def test_every_redirect_is_checked_anew(publisher: FakePublisher, opened: httpx.AsyncClient) -> None:
    for to in ("http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:9/", "//192.168.0.1/x"):
        publisher.fault("/feed.xml", "redirect", to=to)
        with pytest.raises(SourceError) as caught:
            await fetch.fetch(opened, f"{publisher.url}/feed.xml", {}, OPENED, trusted=True)
        assert caught.value.reason == "address", to


async def test_a_publisher_outside_cannot_lead_into_an_opened_network(
    publisher: FakePublisher, opened: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.fault("/feed.xml", "redirect", to=f"{publisher.url}/secret.xml", status=301)
    publisher.set("/secret.xml", "<rss></rss>")
    monkeypatch.setattr("sources.transport.is_public", lambda address: True)  # the first answer counts as from outside
    with pytest.raises(SourceError, match="not a public address"):
        await fetch.fetch(opened, f"{publisher.url}/feed.xml", {}, OPENED, trusted=True)
    assert [request.path for request in publisher.requests] == ["/feed.xml"]


async def test_where_it_moved_once_gets_no_trust_from_that(
    publisher: FakePublisher, opened: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, moved=["127.0.0.1"])
    validators = {"moved_to": f"http://moved.example:{publisher.port}/elsewhere.xml"}
    await fetch.fetch(opened, f"{publisher.url}/feed.xml", validators, OPENED, trusted=True)
    with pytest.raises(SourceError, match=r"moved\.example leads there"):
        await fetch.fetch(opened, "http://public.example/feed.xml", validators, OPENED, trusted=False)
    validators = {"moved_to": f"{publisher.url}/moved.xml"}
    publisher.set("/moved.xml", "<rss></rss>")
    await fetch.fetch(opened, f"{publisher.url}/feed.xml", validators, OPENED, trusted=True)
    assert [request.path for request in publisher.requests] == ["/feed.xml", "/moved.xml"]


async def test_a_name_is_resolved_once_and_connected_to_where_it_was_checked(
    publisher: FakePublisher, opened: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = names(monkeypatch, rebound=["127.0.0.1", "127.0.0.2"])
    url = f"http://rebound.example:{publisher.port}/feed.xml"
    assert isinstance(await fetch.fetch(opened, url, {}, OPENED, trusted=True), Fetched)
    assert asked == ["rebound.example"], "resolved again after the check"
    assert publisher.requests[0].headers["Host"] == f"rebound.example:{publisher.port}"


async def test_a_name_that_changes_to_an_inner_address_is_refused_at_its_next_connection(
    publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, rebound=["127.0.0.1", "10.0.0.1"])
    url = f"http://rebound.example:{publisher.port}/feed.xml"
    async with fetch.client(OPENED, "0") as http:
        await fetch.fetch(http, url, {}, OPENED, trusted=True)
    async with fetch.client(OPENED, "0") as http:
        with pytest.raises(SourceError, match=r"10\.0\.0\.1 is not a public address"):
            await fetch.fetch(http, url, {}, OPENED, trusted=True)


async def test_tls_asks_for_the_name_and_not_for_the_address(
    opened: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _, name, __: said.append(name)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    names(monkeypatch, secure=["127.0.0.1"])
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(SourceError):
        await fetch.fetch(opened, f"https://secure.example:{port}/", {}, OPENED, trusted=True)
    server.close()
    assert said == ["secure.example"]


async def test_the_second_address_is_tried_when_nobody_is_at_the_first(
    publisher: FakePublisher, opened: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two(_: str, port: int, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.9", "10.9.9.9", "127.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two)
    url = f"http://two.example:{publisher.port}/feed.xml"
    assert isinstance(await fetch.fetch(opened, url, {}, OPENED, trusted=True), Fetched)


@pytest.mark.parametrize("url", ["http://user:word@public.example/feed", "http://public.example:25/feed"])
async def test_names_passwords_and_other_services_ports_are_for_the_file_only(
    closed: httpx.AsyncClient, url: str
) -> None:
    with pytest.raises(SourceError, match="only the configuration file"):
        await fetch.fetch(closed, url, {}, CLOSED)


async def test_the_environments_proxies_are_not_asked(
    publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, publisher.url)
    async with fetch.client(CLOSED, "0") as http:
        with pytest.raises(SourceError):
            await fetch.fetch(http, "http://10.0.0.1/feed.xml", {}, CLOSED)
    assert publisher.requests == []
