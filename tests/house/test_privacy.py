"""docs/privacy.md names every table, and every column of those that say something about a chat or a person."""

import re

from storage.tables import metadata
from tests.house import papers

PAGE = papers.read("docs/privacy.md")


def listed(page: str) -> dict[str, set[str]]:
    """The columns that the page's table names, by table."""
    found: dict[str, set[str]] = {}
    for row in papers.table_rows(page):
        if row[0].startswith("`"):
            found.setdefault(row[0].strip("`"), set()).update(re.findall(r"`(\w+)`", row[1]))
    return found


def impersonal(page: str) -> set[str]:
    """The tables that the page says hold nothing about anybody."""
    return set(re.findall(r"`(\w+)`", page[page.index("The other tables") : page.index("## What you can do")]))


def wrong(page: str) -> list[str]:
    tables = {table.name: {column.name for column in table.columns} for table in metadata.sorted_tables}
    personal, other = listed(page), impersonal(page)
    problems = [f"{name}: not on the page" for name in tables.keys() - personal.keys() - other]
    problems += [f"{name}: no such table" for name in (personal.keys() | other) - tables.keys()]
    for name in personal.keys() & tables.keys():
        problems += [f"{name}.{column}" for column in personal[name] ^ tables[name]]
    for name in other & tables.keys():
        # Whatever refers to a chat, or names a person, is no table of news.
        refers = [key for key in metadata.tables[name].foreign_keys if key.column.table.name == "chats"]
        if refers or tables[name] & {"chat", "user", "by", "admin"}:
            problems.append(f"{name}: refers to a chat or a person")
    return sorted(problems)


def test_what_is_stored_about_a_person_is_listed() -> None:
    assert wrong(PAGE) == []


def test_a_column_or_table_that_is_missing_or_invented_is_found() -> None:
    assert wrong(PAGE.replace("`muted_topics`", "`muted`")) == ["chats.muted", "chats.muted_topics"]
    assert wrong(PAGE.replace("`websub`, ", "")) == ["websub: not on the page"]
    moved = PAGE.replace("| `admitted` |", "| `admins` |").replace("`websub`", "`admitted`, `websub`")
    assert "admitted: refers to a chat or a person" in wrong(moved)
