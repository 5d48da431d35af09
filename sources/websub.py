"""What WebSub (https://www.w3.org/TR/websub/) says in headers, documents and signatures. Pure: asks nobody."""

import hmac
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

HEAD = 100_000
"""Bytes of a document in which its hub is looked for, before its first entry."""
LONGEST = 2000
"""Characters of an address."""
ENTRY = re.compile(rb"<(?:[A-Za-z]{1,9}:)?(?:item|entry)[\s>]")
LINK = re.compile(r"<(?:[A-Za-z]{1,9}:)?link\s([^<>]{1,4000})>")
ATTRIBUTE = re.compile(r"([\w:-]{1,40})\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)')")
PARAMETER = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]+))", re.IGNORECASE)
HUBS = re.compile(r"\"hubs\"\s{0,99}:\s{0,99}\[\s{0,99}(\{[^{}]{1,2000}\})")
FEED_URL = re.compile(r"\"feed_url\"\s{0,99}:\s{0,99}(\"[^\"]{1,2000}\")")
SIGNATURE = re.compile(r"(sha1|sha256|sha384|sha512)=([0-9a-fA-F]{40,128})")
LEASE = 10 * 86400
"""Seconds for which we ask to be subscribed."""
LONGEST_LEASE = 30 * 86400


def named_in(links: Iterable[str], body: bytes, url: str) -> dict[str, str]:
    """`hub` and `topic` of a document read at `url`: its Link headers decide, else its own links; empty without a hub.

    The first hub is taken. A document that names a hub and not itself is known by its address.
    """
    for found in (list(_in_headers(links)), list(_in_document(body))):
        hubs = [address for rel, address in found if rel == "hub"]
        if hubs:
            topics = [address for rel, address in found if rel == "self"]
            hub, topic = _address(url, hubs[0]), _address(url, topics[0] if topics else url)
            return {"hub": hub, "topic": topic} if hub and topic else {}
    return {}


def topic_of(links: Iterable[str], body: bytes, url: str) -> str:
    """Which document a hub says that it sends, "" when it does not say."""
    for found in (_in_headers(links), _in_document(body)):
        for rel, address in found:
            if rel == "self":
                return _address(url, address)
    return ""


def _in_headers(links: Iterable[str]) -> Iterator[tuple[str, str]]:
    for header in links:
        for link in re.split(r",\s*(?=<)", header[:10_000]):
            address, _, parameters = link.strip().removeprefix("<").partition(">")
            for quoted, plain in PARAMETER.findall(parameters)[:1]:
                for rel in (quoted or plain).lower().split():
                    yield rel, address


def _in_document(body: bytes) -> Iterator[tuple[str, str]]:
    head = body[:HEAD]
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        yield from _in_json(body)
        return
    entry = ENTRY.search(head)
    for link in LINK.findall(head[: entry.start() if entry else HEAD].decode("utf-8", "replace")):
        attributes = {name.lower(): double or single for name, double, single in ATTRIBUTE.findall(link)}
        for rel in attributes.get("rel", "").lower().split():
            yield rel, html.unescape(attributes.get("href", "")).strip()


def _in_json(body: bytes) -> Iterator[tuple[str, str]]:
    text = body[:HEAD].decode("utf-8", "replace") + body[HEAD:][-HEAD:].decode("utf-8", "replace")
    try:
        hub, own = HUBS.search(text), FEED_URL.search(text)
        if hub and isinstance(address := json.loads(hub[1]).get("url"), str):
            yield "hub", address
        if own:
            yield "self", json.loads(own[1])
    except ValueError:
        return


def _address(base: str, address: str) -> str:
    try:
        whole = urljoin(base, address.strip())
    except ValueError:
        return ""
    return whole if whole.startswith(("http://", "https://")) and len(whole) <= LONGEST else ""


def is_signed(header: str, body: bytes, secret: str) -> bool:
    """Whether X-Hub-Signature is the body's HMAC with the secret of the subscription."""
    given = SIGNATURE.fullmatch(header.strip())
    if given is None:
        return False
    return hmac.compare_digest(hmac.new(secret.encode(), body, given[1]).hexdigest(), given[2].lower())


def lease_of(value: str) -> int:
    """Seconds that a hub grants; who grants none, or for ever, is asked again all the same."""
    seconds = int(value) if re.fullmatch(r"[0-9]{1,12}", value) else 0
    return min(seconds or LEASE, LONGEST_LEASE)


def renew_after(lease: int) -> float:
    """Seconds after which a lease is renewed: three quarters of it are over."""
    return max(5.0, lease * 0.75)


def ask_again_after(attempts: int) -> float:
    """Seconds until a hub that did not answer, or refused, is asked again: a minute, four times as long each time, a
    day at most."""
    return min(86400.0, 60.0 * 4.0 ** min(attempts, 10))


def request(mode: str, topic: str, callback: str, secret: str) -> Mapping[str, Any]:
    """The form of a request to a hub (section 5.1)."""
    form = {"hub.mode": mode, "hub.topic": topic, "hub.callback": callback}
    return form | {"hub.secret": secret, "hub.lease_seconds": str(LEASE)} if mode == "subscribe" else form
