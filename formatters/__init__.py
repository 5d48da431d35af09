"""Pure text: a post becomes an alert's words, and each platform has a renderer."""

from formatters.blocks import plain_text
from formatters.condense import condense
from formatters.language import language_of
from formatters.offers import alert_buttons
from formatters.snippet import snippet

__all__ = ["alert_buttons", "condense", "language_of", "plain_text", "snippet"]
