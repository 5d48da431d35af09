"""`python -m tests.conversations.gallery`: draws what each command answers, for docs/commands.

Plays the conversations and lets the page's own drawings of Telegram and Slack show them, a picture a command. The
pictures are looked at by people: no test compares them.
"""

import asyncio
import json
import re
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path

import handlers
from locales import tables
from tests.bot import ROOT
from tests.conversations.scene import Turn
from tests.conversations.scripts import LANGUAGES, turns
from tests.web.browser import Browser

FOLDER = ROOT / "docs" / "commands"
WIDTHS = {"telegram": 430, "slack": 620}
UNKNOWN = "unknown"
ALONE = (
    "for (const one of document.querySelectorAll('section')) one.style.display = one === arguments[0] ? '' : 'none';"
)
PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>answers</title>
<link rel="stylesheet" href="/page.css"><style>
body {{ padding: 0; }}
section {{ width: {width}px; padding: 1rem; display: grid; gap: 0.7rem; }}
.typed {{ justify-self: end; padding: 0.45rem 0.8rem; border-radius: 1rem 1rem 0.25rem 1rem;
  background: color-mix(in srgb, var(--link) 22%, var(--ground)); }}
.pressed {{ justify-self: end; color: var(--soft); font-size: 0.8125rem; }}
.note {{ color: var(--soft); font-size: 0.75rem; }}
.popup {{ justify-self: center; padding: 0.6rem 1rem; border-radius: 0.8rem; background: var(--ink);
  color: var(--ground); white-space: pre-wrap; }}
article {{ max-width: 31rem; }}
</style><main></main><script type="module">
import {{ element, slackMessage, telegramMessage }} from "/forms.js";
const {{ texts, sections }} = {data};
for (const [name, turns] of sections) {{
  const section = element("section", {{ "data-answers": name }});
  for (const {{ done, where, pressed, read }} of turns) {{
    if (!done.startsWith("(")) section.append(element("p", {{ class: pressed ? "pressed" : "typed" }}, done));
    if (where) section.append(element("p", {{ class: "pressed" }}, where));
    for (const {{ mark, form }} of read) {{
      if (mark && !form.popup) section.append(element("p", {{ class: "note" }}, mark));
      const drawn = form.popup ? [element("p", {{ class: "popup" }}, form.popup)]
        : form.blocks ? slackMessage(form, texts) : telegramMessage(form, texts);
      const kind = form.blocks ? "slack" : "telegram";
      section.append(element("article", {{ class: "card", "data-form": kind }}, ...drawn));
    }}
  }}
  document.querySelector("main").append(section);
}}
document.body.dataset.drawn = "yes";
</script></html>"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and writes no line for it."""

    def log_message(self, format: str, *args: object) -> None:
        return


def sections(conversation: list[Turn]) -> dict[str, list[Turn]]:
    """The turns of each command; what was pressed belongs to what was typed before it."""
    found: dict[str, list[Turn]] = {}
    name = ""
    for turn in conversation:
        if _is_typed(turn):
            word = re.sub(r"^(/sokbo |@Sokbo |/)", "", turn.done).split()[0].partition("@")[0]
            name = word if word in handlers.HANDLERS else UNKNOWN
        found.setdefault(name, []).append(turn)
    return found


def _is_typed(turn: Turn) -> bool:
    return turn.done.startswith(("/", "@"))


def page(conversation: list[Turn], language: str, width: int) -> str:
    """All sections as one page."""
    shown = [
        (
            name,
            [
                {
                    "done": turn.done.partition("   (")[0],
                    "where": turn.done.partition("   (")[2].rstrip(")"),
                    "pressed": not _is_typed(turn),
                    "read": [{"mark": read.mark, "form": read.form} for read in turn.read],
                }
                for turn in held
            ],
        )
        for name, held in sections(conversation).items()
    ]
    data = json.dumps({"texts": tables(language)["page"], "sections": shown}).replace("</", "<\\/")
    return PAGE.format(language=language, width=width, data=data)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        site = Path(scratch) / "site"
        site.mkdir()
        for name in ("page.css", "forms.js"):
            (site / name).write_bytes((ROOT / "web" / "static" / name).read_bytes())
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = Browser(Path(scratch) / "chromium")
        for platform, language in product(WIDTHS, LANGUAGES):
            width = WIDTHS[platform]
            folder = Path(scratch) / platform / language
            folder.mkdir(parents=True)
            conversation = asyncio.run(turns(platform, language, folder))
            (site / "index.html").write_text(page(conversation, language, width), encoding="utf-8")
            with browser.tab(f"http://127.0.0.1:{server.server_port}/", width + 32, 9000) as shown:
                shown.wait(lambda shown=shown: shown.all("body[data-drawn]"), "the answers")  # type: ignore[misc]
                for section in shown.all("section"):
                    browser.driver.execute_script(ALONE, section)
                    answers = section.get_attribute("data-answers")
                    section.screenshot(str(FOLDER / f"{platform}-{language}-{answers}.png"))
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()
