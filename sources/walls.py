"""Walls against bots, by name: who runs a source wants to know which one refuses it, and whom to ask."""

import re
from collections.abc import Mapping

HEADERS = (
    ("cf-mitigated", "", "Cloudflare"),
    ("server", "cloudflare", "Cloudflare"),
    ("server", "ddos-guard", "DDoS-Guard"),
    ("server", "akamaighost", "Akamai"),
    ("server", "sucuri", "Sucuri"),
    ("x-sucuri-id", "", "Sucuri"),
    ("x-iinfo", "", "Imperva"),
    ("x-datadome", "", "DataDome"),
    ("x-amzn-waf-action", "", "AWS WAF"),
)
"""(header, what its value begins with, whose it is)."""
PAGES = (
    (re.compile(r"cdn-cgi/challenge-platform|<title>Just a moment|Attention Required! \| Cloudflare"), "Cloudflare"),
    (re.compile(r"_Incapsula_Resource"), "Imperva"),
    (re.compile(r"captcha-delivery\.com"), "DataDome"),
    (re.compile(r"ddos-guard/js-challenge|<title>DDoS-Guard", re.IGNORECASE), "DDoS-Guard"),
    (re.compile(r"window\.awsWafCookieDomainList|AwsWafIntegration"), "AWS WAF"),
    (re.compile(r"/anubis/api/|anubis_challenge", re.IGNORECASE), "Anubis"),
    (re.compile(r"g-recaptcha|h-captcha|cf-turnstile", re.IGNORECASE), "captcha"),
)


def named_in(headers: Mapping[str, str]) -> str:
    """Whose wall answered, by the headers of a refusal; "" when it may be the publisher itself."""
    for name, begin, whose in HEADERS:
        if headers.get(name, "-").lower().startswith(begin) and name in headers:
            return whose
    return ""


def named_on(page: str) -> str:
    """Whose wall a web page is that stands where the feed should be; "" for any other page."""
    return next((whose for pattern, whose in PAGES if pattern.search(page[:50_000])), "")
