"""Where Jekyll publishes a post: https://jekyllrb.com/docs/permalinks/ (placeholders and built-in styles)."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote

STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DATES: dict[str, Callable[[datetime], str]] = {
    "year": lambda when: f"{when.year:04}",
    "short_year": lambda when: f"{when.year % 100:02}",
    "month": lambda when: f"{when.month:02}",
    "i_month": lambda when: str(when.month),
    "short_month": lambda when: MONTHS[when.month - 1][:3],
    "long_month": lambda when: MONTHS[when.month - 1],
    "day": lambda when: f"{when.day:02}",
    "i_day": lambda when: str(when.day),
    "y_day": lambda when: f"{when.timetuple().tm_yday:03}",
    "w_year": lambda when: str(when.isocalendar().year),
    "week": lambda when: f"{when.isocalendar().week:02}",
    "w_day": lambda when: str(when.isoweekday()),
    "short_day": lambda when: DAYS[when.weekday()][:3],
    "long_day": lambda when: DAYS[when.weekday()],
    "hour": lambda when: f"{when.hour:02}",
    "minute": lambda when: f"{when.minute:02}",
    "second": lambda when: f"{when.second:02}",
}
NAMES = (*DATES, "title", "slug", "categories", "slugified_categories", "output_ext")
PLACEHOLDER = re.compile(":(" + "|".join(sorted(NAMES, key=len, reverse=True)) + ")")
OUTSIDE_SLUG = re.compile(r"[\W_]+")


def path_of(pattern: str, slug: str, categories: Sequence[str], when: datetime | None) -> str:
    """The path of a post, percent-encoded; "" when the pattern needs a date that the post does not have.

    `when` is in the site's zone. Categories become folders in lower case, as Jekyll writes them.
    """
    pattern = STYLES.get(pattern, pattern)
    folders = dict.fromkeys(category.lower() for category in categories)
    slugs = dict.fromkeys(slugified(category) for category in categories)
    values = {
        "title": slug,
        "slug": slugified(slug),
        "categories": "/".join(folders),
        "slugified_categories": "/".join(slugs),
        "output_ext": ".html",
    }
    names = set(PLACEHOLDER.findall(pattern))
    if when is None and names & DATES.keys():
        return ""
    if when is not None:
        values |= {name: DATES[name](when) for name in names & DATES.keys()}
    path = PLACEHOLDER.sub(lambda found: values[found[1]], pattern)
    return quote(re.sub(r"/{2,}", "/", f"/{path}"), safe="/%:@!$&'()*+,;=~-._")


def slugified(text: str) -> str:
    """Letters and digits of any script in lower case, all else one hyphen."""
    return OUTSIDE_SLUG.sub("-", text.lower()).strip("-")
