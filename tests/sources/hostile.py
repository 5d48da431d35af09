"""Documents made to exhaust who reads them, or to make them open what they name."""

HEAD = '<rss version="2.0"><channel><title>t</title>'
TAIL = "</channel></rss>"
MANY = 100_000
DEEP = 200_000


def item(html: str = "x") -> str:
    return f"<item><title>소식</title><guid>1</guid><description>{html}</description></item>"


def feed(*items: str) -> str:
    return "".join([HEAD, *items, TAIL])


def section(html: str) -> str:
    return f"<![CDATA[{html}]]>"


def _doctype(subset: str, html: str) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE rss [{subset}]>{feed(item(html))}'


def _attributes(form: str) -> str:
    return " ".join(form.format(number) for number in range(MANY))


def _laughs() -> str:
    repeated = [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    return '<!ENTITY l0 "lol">' + "".join(repeated)


PLAIN, NAMESPACE, BRACKET = (_attributes(form) for form in ('a{}="1"', 'xmlns:a{}="u"', 'a{}=">"'))

BODIES: dict[str, str] = {
    "a billion laughs": _doctype(_laughs(), "&l9;"),
    "one long entity, named often": _doctype(f'<!ENTITY a "{"x" * 100_000}">', "&a;" * 100_000),
    "an entity of a file": _doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
    "an entity of an address": _doctype('<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;', "x"),
    "an entity behind a forged end": _doctype('<!ENTITY a "]>"><!ENTITY l0 "lol">', "&l0;"),
    "100,000 attributes": feed(f"<item {PLAIN}><title>x</title></item>"),
    "100,000 attributes at the root": f"<rss {PLAIN}><channel>{item()}{TAIL}",
    "100,000 namespaces": f"<rss {NAMESPACE}><channel>{item()}{TAIL}",
    "100,000 attributes with brackets": feed(f"<item {BRACKET}><title>x</title></item>"),
    "100,000 attributes in the text": feed(item(section(f"<p {PLAIN}>x</p>"))),
    "200,000 deep": feed("<item>", "<a>" * DEEP, "</a>" * DEEP, "</item>"),
    "200,000 deep in the text": feed(item(section("<div>" * DEEP + "x"))),
    "200,000 deep, escaped": feed(item("&lt;b&gt;" * DEEP)),
    "500,000 items": feed("<item/>" * 500_000),
    "140,000 items with keys": feed(*(f"<item><guid>{n}</guid></item>" for n in range(140_000))),
    "200,000 categories": feed("<item><title>x</title>", "<category>x</category>" * DEEP, "</item>"),
    "ampersands only": feed(item("&" * 4_900_000)),
    "openings only": feed(item("<" * 4_900_000)),
    "sections that never end": feed(item("<![CDATA[" * 500_000)),
    "comments that never end": feed("<!--" * 1_200_000),
    "one post of four megabytes": feed(item(section(f"<p>{'가나다라. ' * 300_000}</p>"))),
    "one title of three megabytes": feed(f"<item><title>{'가 ' * 800_000}</title></item>"),
    "a file's name": "/etc/passwd",
    "a device's name": "/dev/zero",
    "an address": "http://169.254.169.254/latest/meta-data/",
    "a file's address": "file:///etc/passwd",
}
