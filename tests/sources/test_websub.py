"""What a document and its headers say about a hub, and what a signature proves."""

import hashlib
import hmac
import time

import pytest

from sources import websub

URL = "https://news.example/feeds/all.xml"
HUB = "https://hub.example/"
RSS = (
    '<?xml version="1.0"?><rss xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>t</title>{}'
    "<item><title>one</title>{}</item></channel></rss>"
)
OWN = f'<atom:link rel="hub" href="{HUB}"/><atom:link href="{URL}" rel="self"/>'
FOUND = {"hub": HUB, "topic": URL}


@pytest.mark.parametrize(
    ("links", "body", "found"),
    [
        ([], RSS.format(OWN, ""), FOUND),
        ([], f"<feed><link rel='self' href='{URL}'/><link rel='hub' href='{HUB}' /><entry/></feed>", FOUND),
        ([], f'<feed><link rel="self hub" href="{HUB}"/></feed>', {"hub": HUB, "topic": HUB}),
        ([], f'<feed><link rel="HUB" href="{HUB}"></link></feed>', FOUND),
        ([], '<feed><link rel="hub" href="/hub?a=1&amp;b=2"/></feed>', {"hub": "https://news.example/hub?a=1&b=2"}),
        ([], f'{{"version": "https://jsonfeed.org/version/1.1", "feed_url": "{URL}", "hubs": [{{"type": "WebSub", '
             f'"url": "{HUB}"}}], "items": []}}', FOUND),
        ([f'<{HUB}>; rel="hub", <{URL}>; rel="self"'], RSS.format("", ""), FOUND),
        ([f"<{HUB}>;rel=hub", f"<{URL}>; title=x; rel=self"], "", FOUND),
        ([f'<{HUB}>; rel="hub"', '<https://other.example/?a,<b>; rel="self"'], "", {"hub": HUB}),
        (['<https://first.example/>; rel="hub"', f'<{HUB}>; rel="hub"'], "", {"hub": "https://first.example/"}),
        (['<https://header.example/>; rel="hub"'], RSS.format(OWN, ""), {"hub": "https://header.example/"}),
        (['<https://x.example/>; rel="next"'], RSS.format(OWN, ""), FOUND),
    ],
)  # fmt: skip
def test_a_hub_is_found_in_headers_and_documents(links: list[str], body: str, found: dict[str, str]) -> None:
    named = websub.named_in(links, body.encode(), URL)
    assert {**named, **found} == named


@pytest.mark.parametrize(
    ("links", "body"),
    [
        ([], ""),
        ([], RSS.format("", "")),
        ([], RSS.format("", OWN)),
        ([], f'<feed><link rel="self" href="{URL}"/></feed>'),
        ([], '<feed><link rel="hub" href="ftp://hub.example/"/></feed>'),
        ([], '<feed><link rel="hub" href="http://[hub"/></feed>'),
        ([], f'<feed><link rel="hub" href="https://hub.example/{"x" * 3000}"/></feed>'),
        ([], '{"hubs": [{"url": 5}]}'),
        ([], '{"hubs": [{"url": "\\ud"}]}'),
        ([f'<{URL}>; rel="self"'], ""),
        (["hub"], ""),
    ],
)
def test_what_names_no_hub_names_none(links: list[str], body: str) -> None:
    assert websub.named_in(links, body.encode(), URL) == {}


@pytest.mark.parametrize(
    "piece", ["<link rel=", "<link ", "<a:link x='", '"hubs": [{', '"hubs"\n', "<x", ",<", '; rel="', ";rel=a"]
)
def test_no_document_or_header_makes_finding_slow(piece: str) -> None:
    much = piece * (200_000 // len(piece))
    began = time.process_time()
    websub.named_in([much], much.encode(), URL)
    websub.named_in([], b"{" + much.encode(), URL)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_every_method_of_the_recommendation_proves_a_body(method: str) -> None:
    digest = hmac.new(b"secret", b"body", getattr(hashlib, method)).hexdigest()
    assert websub.is_signed(f"{method}={digest}", b"body", "secret")
    assert websub.is_signed(f"{method}={digest.upper()}", b"body", "secret")
    for header, body, secret in (
        (f"{method}={digest}", b"Body", "secret"),
        (f"{method}={digest}", b"body", "Secret"),
        (f"{method}={digest[:-1]}", b"body", "secret"),
        (f"sha224={digest}", b"body", "secret"),
        (f"md5={hmac.new(b'secret', b'body', 'md5').hexdigest()}", b"body", "secret"),
        (digest, b"body", "secret"),
        ("", b"body", "secret"),
        (f"{method}=", b"body", "secret"),
    ):
        assert not websub.is_signed(header, body, secret), header


def test_leases_are_renewed_in_time_and_hubs_not_asked_for_ever_faster() -> None:
    assert [websub.lease_of(text) for text in ("100", "", "0", "-5", "1e9", "9" * 13, "٣")] == [100, *[864_000] * 6]
    assert websub.lease_of("999999999") == 30 * 86400
    assert websub.renew_after(100) == 75
    assert [websub.ask_again_after(n) for n in (0, 1, 2, 50)] == [60, 240, 960, 86400]
