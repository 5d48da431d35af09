"""What people are told of a source that cannot be read: a text of the locales for each reason."""

TEXTS = {
    "bot-wall": "bot_wall",
    "http-403": "refused",
    "http-401": "password",
    "http-429": "too_often",
    "http-404": "not_found",
    "http-410": "gone",
    "certificate": "certificate",
    "certificate-expired": "certificate_expired",
    "tls": "certificate",
    "dns": "dns",
    "connect": "nobody",
    "timeout": "timeout",
    "cut": "broken_off",
    "network": "broken_off",
    "truncated": "broken_off",
    "html": "no_feed",
    "no-feed": "no_feed",
    "no-posts": "no_feed",
    "no-text": "no_feed",
    "empty": "no_feed",
    "too-large": "too_large",
    "gzip": "damaged",
    "packing": "damaged",
    "redirect": "redirect",
    "downgrade": "downgrade",
    "address": "address",
    "entities": "too_much",
    "attributes": "too_much",
    "entries": "too_much",
    "cpu": "too_much",
    "memory": "too_much",
    "hang": "too_much",
    "nested": "too_much",
    "died": "too_much",
    "no-folder": "folder",
    "folder": "folder",
    "no-git": "no_git",
    "no-repository": "no_repository",
    "defect": "defect",
}


def text_of(reason: str) -> str:
    """The key of the text that says what is wrong; reasons that have none of their own are "trouble.other"."""
    server = "server" if reason.startswith("http-5") else "other"
    return f"trouble.{TEXTS.get(reason, server)}"
