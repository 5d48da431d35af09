"""The documentation says what the code does; each check is shown to fail on a wrong text."""

import re
import tomllib
from pathlib import Path
from typing import Any

import typer
import yaml
from typer.core import TyperGroup

import bot
import handlers
import metrics
from config.settings import LATER, Settings, keys
from handlers.access import Who
from locales import languages
from tests.house import papers
from tests.house.layers import MODULES, PACKAGES, ROOT

PAGE = papers.read("docs/configuration.md")
COMMANDS = papers.read("docs/commands.md")
OPERATIONS = papers.read("docs/operations.md")
README = papers.read("README.md")
EXAMPLE = papers.read("config/sokbo.example.toml")
IGNORE, DOCKERFILE = papers.read(".dockerignore"), papers.read("Dockerfile")
RUNS_ON = (*(f"{module}.py" for module in MODULES), *PACKAGES, "examples")


def cli() -> TyperGroup:
    group = typer.main.get_command(bot.cli)
    assert isinstance(group, TyperGroup)
    return group


def pages() -> list[Path]:
    """Every page of documentation; the sample site's posts are content, with links of their own."""
    return [file for file in papers.files_of_git() if file.suffix == ".md" and ROOT / "examples" not in file.parents]


# ------------------------------------------------------------------------------------------------------- settings


def test_every_setting_is_documented_with_its_default_and_what_is_accepted() -> None:
    assert papers.wrong_settings(PAGE) == []


def test_a_setting_that_is_missing_wrong_or_invented_is_found() -> None:
    assert papers.wrong_settings(PAGE.replace("| `8080` |", "| `8081` |")) == ["[web] port: default is 8080"]
    assert papers.wrong_settings(PAGE.replace("3, 4 or 5", "3 or 4")) == ["[condense] bullets: accepted is 3, 4 or 5"]
    renamed = papers.wrong_settings(PAGE.replace("| `first_read` |", "| `first_reed` |"))
    assert renamed == ["[[sources]] first_read: no row", "[[sources]] first_reed: not a key"]


def test_every_setting_has_an_example_that_loads(tmp_path: Path) -> None:
    assert papers.wrong_examples(PAGE, tmp_path) == []


def test_an_example_that_does_not_load_or_is_missing_is_found(tmp_path: Path) -> None:
    (broken, *_) = papers.wrong_examples(PAGE.replace("bullets = 3", "bullets = 9"), tmp_path)
    assert "[condense] bullets   9 is not accepted: 3, 4 or 5" in broken
    assert papers.wrong_examples(PAGE.replace("bullets = 3\n", ""), tmp_path) == ["[condense] bullets: no example"]


def test_every_toml_example_of_every_page_loads(tmp_path: Path) -> None:
    for page in pages():
        wrong = papers.wrong_examples(page.read_text(encoding="utf-8"), tmp_path)
        assert [one for one in wrong if not one.endswith("no example")] == [], page.name


def test_what_has_no_effect_is_said_to_have_none() -> None:
    rows = [row for row in papers.table_rows(PAGE) if len(row) == 4]
    silent = {row[0].strip("`") for row in rows if row[3].startswith("**No effect in this version.**")}
    source_keys = {"weight": 1, "on_delete": "keep"}
    set_tables: dict[str, Any] = {"sources": [papers.NEEDED | source_keys]}
    for section, key in LATER:
        set_tables.setdefault(section, {})[key] = getattr(getattr(Settings(), section), key)
    announced = {note.rsplit(" ", 1)[1] for note in Settings.model_validate(set_tables).without_effect()}
    assert announced == {key for _, key in LATER} | source_keys.keys()
    assert announced <= silent


def test_the_example_file_lists_every_key_with_its_default(tmp_path: Path) -> None:
    assert papers.wrong_example_file(EXAMPLE, tmp_path) == []


def test_an_example_file_that_lags_behind_is_found(tmp_path: Path) -> None:
    other = papers.wrong_example_file(EXAMPLE.replace("port = 8080", "port = 80"), tmp_path)
    assert other == ["as it is: not the defaults", "uncommented: not the defaults"]
    assert papers.wrong_example_file(EXAMPLE.replace("bullets = 4 ", ""), tmp_path) != []
    assert papers.wrong_example_file(EXAMPLE.replace("# weight = 1\n", ""), tmp_path) == ["[[sources]] weight: missing"]
    heavier = papers.wrong_example_file(EXAMPLE.replace("# weight = 1", "# weight = 2"), tmp_path)
    assert heavier == ["[[sources]] weight: not the default"]


def test_every_variable_named_anywhere_is_one_that_the_program_takes() -> None:
    for name in ("Dockerfile", *(str(page.relative_to(ROOT)) for page in pages())):
        assert papers.unknown_variables(papers.read(name), keys()) == [], name
    assert papers.unknown_variables("SOKBO_WEB__PRT=1 SOKBO_WEB__PORT_FILE=x", keys()) == [
        "SOKBO_WEB__PORT_FILE",
        "SOKBO_WEB__PRT",
    ]


# -------------------------------------------------------------------------------------------- commands and metrics


def test_every_chat_command_stands_in_both_tables() -> None:
    assert papers.commands_in_tables(COMMANDS) == set(handlers.HANDLERS)
    assert papers.commands_in_tables(README) == set(handlers.HANDLERS)


def test_the_page_says_whose_each_command_is() -> None:
    assert papers.wrong_rights(COMMANDS, {name: verb.who for name, verb in handlers.HANDLERS.items()}) == []


def test_a_command_that_the_page_gives_to_others_is_found() -> None:
    rights = {name: verb.who for name, verb in handlers.HANDLERS.items()} | {"stop": Who.ALL}
    assert papers.wrong_rights(COMMANDS, rights) == ["stop: for all, the page says chat admins"]


def test_a_chat_command_that_is_missing_or_invented_is_found() -> None:
    assert papers.commands_in_tables(COMMANDS.replace("| `/help`", "| `/halp`")) ^ set(handlers.HANDLERS) == {
        "help",
        "halp",
    }


def test_every_verb_has_an_example_that_the_command_line_takes() -> None:
    assert {"run", "sources add"} <= {name for name, _ in papers.verbs(cli())}
    assert papers.missing_verbs(COMMANDS, cli()) == []
    assert papers.undocumented_options(COMMANDS, cli()) == []


def test_every_command_line_of_every_page_is_one_that_the_program_takes() -> None:
    for page in pages():
        wrong = papers.missing_verbs(page.read_text(encoding="utf-8"), cli())
        assert [one for one in wrong if not one.endswith("no example")] == [], page.name


def test_a_verb_or_option_that_is_missing_or_invented_is_found() -> None:
    assert papers.missing_verbs(COMMANDS.replace("bot.py sources pause", "bot.py sources"), cli()) != []
    assert papers.missing_verbs(COMMANDS.replace("bot.py check", "bot.py run"), cli()) == ["check: no example"]
    assert papers.missing_verbs(f"{COMMANDS}\n```console\n$ python bot.py poll --every\n```\n", cli()) != []
    assert papers.missing_verbs(f"{COMMANDS}\n```console\n$ python bot.py retract 5\n```\n", cli()) != []
    assert papers.undocumented_options(COMMANDS.replace("`--all`", "all"), cli()) == ["poll --all", "deliveries --all"]


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    assert papers.wrong_metrics(OPERATIONS, papers.metrics_in(metrics)) == []


def test_a_metric_that_is_missing_wrong_or_invented_is_found() -> None:
    known = papers.metrics_in(metrics)
    assert known["sokbo_polls_total"] == ("counter", ("source", "outcome"))
    for right, wrong in (
        ("| `sokbo_poll_seconds` | histogram |", "| `sokbo_poll_seconds` | gauge |"),
        ("| `source`, `outcome` |", "| `source` |"),
        ("| `sokbo_commands_total` |", "| `sokbo_command_total` |"),
    ):
        assert papers.wrong_metrics(OPERATIONS.replace(right, wrong), known) != [], wrong


# ------------------------------------------------------------------------------------------------------- the pages


def test_every_link_between_the_pages_leads_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages()
        for target in papers.dead_links(page.read_text(encoding="utf-8"), page.parent)
    ]
    assert dead == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = "[a](docs/none.md) [b](docs/operations.md#metrics) [c](docs/operations.md#none) [d](https://example.org)"
    assert papers.dead_links(text, ROOT) == ["docs/none.md", "docs/operations.md#none"]


def test_the_readme_can_be_read_standing() -> None:
    assert 100 <= len(README.splitlines()) <= 150


def test_every_page_of_decisions_says_context_choice_and_cost() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for page in decisions:
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Context", "Choice", "What it costs"], page.name


# ------------------------------------------------------------------------------------------------------ other files


def test_all_languages_have_the_same_texts_with_the_same_placeholders_and_the_plural_forms_they_need() -> None:
    texts = {one: tomllib.loads(papers.read(f"locales/{one}.toml")) for one in languages()}
    assert {"ko", "en"} <= texts.keys()
    for language, of_it in texts.items():
        assert papers.unlike_texts(of_it, texts["en"]) == [], language
        assert papers.wrong_plurals(language, of_it) == []


NOT_FOR_READERS = {
    "formatters/language.py": "the small words by which English is known",
    "formatters/proposals.py": "what a model is told, and why a proposal of its was dropped",
    "formatters/traits.py": "the names of traits",
    "platforms/telegram.py": "what Telegram says to a second reader, by which it is known",
    "platforms/telegram_answers.py": "what Telegram says to an edit that changes nothing",
    "web/app.py": "a header for browsers, and /readyz, which operators' programs read",
    "web/callbacks.py": "answers to a hub",
    "web/hooks.py": "answers to a publisher's program",
}
"""Files that hold other words, and which; how many is counted, so that no text for readers hides beside them."""
OTHER_WORDS = {"platforms/telegram.py": 1, "platforms/telegram_answers.py": 1, "web/app.py": 3}
OTHER_WORDS |= {"web/callbacks.py": 2, "web/hooks.py": 2}


def test_no_text_that_readers_get_stands_in_the_code() -> None:
    found = {
        str(file.relative_to(ROOT)): texts
        for package in ("handlers", "formatters", "platforms", "web")
        for file in (ROOT / package).rglob("*.py")
        if (texts := papers.sentences(file.read_text(encoding="utf-8")))
    }
    assert found.keys() == NOT_FOR_READERS.keys(), found
    assert {name: len(found[name]) for name in OTHER_WORDS} == OTHER_WORDS, found


def test_no_text_that_readers_get_stands_in_the_page() -> None:
    files = [*(ROOT / "web" / "static").glob("*.js"), *(ROOT / "web" / "templates").glob("*.html")]
    assert len(files) >= 3
    assert {one.name: papers.sentences_of_a_page(one.read_text(encoding="utf-8")) for one in files} == {
        one.name: [] for one in files
    }


def test_a_text_in_the_page_is_found_and_a_remark_is_not() -> None:
    script = '// a remark for those who read\nsay("p", "새 소식이 아직 없습니다", `No news ${day} came in yet`)'
    template = "{# a remark for those who read #}<p>{{ texts.of_the_page }}</p><p>Nothing has come in</p>"
    assert papers.sentences_of_a_page(script) == ["새 소식이 아직 없습니다", "No news ${day} came in yet"]
    assert papers.sentences_of_a_page(template) == ["Nothing has come in"]


def test_a_text_in_the_code_is_found_and_docstrings_and_log_lines_are_not() -> None:
    code = (
        '''"""A module that says a lot."""\nReply(lines=("새 소식이 없습니다 아직", f"No news {day} in this time"))\n'''
    )
    log_line = 'log.info("nothing was found here")\nraise ValueError("no such thing at all")\n'
    outcome = 'return TryLater("it asked us to wait")\n'
    assert papers.sentences(code + log_line + outcome) == ["새 소식이 없습니다 아직", " in this time"]
    assert papers.sentences('state.trouble(f"no answer from {base}")') == ["no answer from "]


def test_a_text_that_one_language_lacks_or_fills_differently_is_found() -> None:
    one = {"start": {"hello": "Hello {name}", "bye": "Bye"}}
    other = {"start": {"hello": "안녕 {nmae}"}}
    assert papers.unlike_texts(one, other) == ["start.bye: only in one", "start.hello: other placeholders"]
    counts = {"start": {"hello": {"one": "{name}", "other": "{nmae}"}, "bye": {"other": "Bye"}}}
    assert papers.unlike_texts(one, counts) == ["start.bye: counts in one only", "start.hello: counts in one only"]
    assert papers.unlike_texts(counts, counts) == ["start.hello: other placeholders"]
    assert papers.wrong_plurals("en", counts) == ["start.bye: other"]
    assert papers.wrong_plurals("ko", counts) == ["start.hello: one, other"]


def test_the_slack_manifest_asks_for_what_the_code_uses() -> None:
    text = papers.read("config/slack-manifest.yaml")
    assert papers.wrong_manifest(yaml.safe_load(text)) == []
    assert "# - command: /search" in text


def test_a_manifest_that_slack_would_refuse_is_found() -> None:
    manifest = yaml.safe_load(papers.read("config/slack-manifest.yaml"))
    manifest["features"]["slash_commands"].append({"command": "/search"})
    manifest["oauth_config"]["scopes"]["bot"].remove("commands")
    manifest["settings"]["socket_mode_enabled"] = False
    assert papers.wrong_manifest(manifest) == [
        "commands ['/sokbo', '/latest', '/search']",
        "scopes ['commands']",
        "socket mode is off",
    ]


def test_lock_files_hold_a_hash_for_every_package_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert papers.wrong_lock(papers.read(name)) == [], name


def test_a_lock_without_a_hash_or_with_an_address_is_found() -> None:
    address = "https" + "://example.org/simple"
    assert papers.wrong_lock(f"--index-url {address}\na==1 \\\n    --hash=sha256:00\nb==2\n") == ["b==2", address]


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = {}
    for file in papers.files_of_git():
        text = file.read_bytes().decode("utf-8", errors="replace")
        own = ROOT / "tests" in file.parents
        if file.name != "papers.py" and file.suffix != ".png" and (names := papers.strangers(text, own_tmp=own)):
            found[str(file.relative_to(ROOT))] = names
    assert found == {}


def test_a_registry_or_a_path_of_one_machine_is_found() -> None:
    work, own = "/" + "work/main", "/" + "tmp/x"
    assert papers.strangers(f"cd {work}", own_tmp=True) == ["/" + "work"]
    assert papers.strangers(f"open('{own}')", own_tmp=False) == ["/" + "tmp"]
    assert papers.strangers(f"open('{own}')", own_tmp=True) == []
    assert papers.strangers("from files." + "python" + "hosted.org", own_tmp=True) == ["python" + "hosted"]
    assert papers.strangers("https://example.org/work and a/tmp/b", own_tmp=False) == []


def test_the_image_holds_all_that_the_program_needs() -> None:
    assert papers.not_in_the_image(DOCKERFILE, IGNORE, RUNS_ON) == []


def test_what_the_image_lacks_is_found() -> None:
    assert papers.not_in_the_image(DOCKERFILE.replace("COPY web web\n", ""), IGNORE, RUNS_ON) == ["web: not copied"]
    assert papers.not_in_the_image(DOCKERFILE, IGNORE.replace("!storage/\n", ""), RUNS_ON) == ["storage: kept out"]
    assert papers.not_in_the_image(DOCKERFILE.replace(" logs.py", ""), IGNORE, RUNS_ON) == ["logs.py: not copied"]
