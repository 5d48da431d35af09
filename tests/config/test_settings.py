"""File and environment in, frozen settings out; all problems told at once, secrets never."""

from pathlib import Path

import pytest

from config.settings import keys, load
from errors import ConfigError
from models import Kind


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "sokbo.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_file_and_environment_everything_has_a_default() -> None:
    settings = load(None, {})
    assert settings.database_url == "sqlite:///data/sokbo.db"
    assert (settings.web.host, settings.web.port, settings.condense.bullets) == ("127.0.0.1", 8080, 4)
    assert settings.secrets() == ()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[web]\nport = 1\nhost = "::1"\n[telegram]\nadmins = [5]\n')
    settings = load(file, {"SOKBO_WEB__PORT": "9", "SOKBO_TELEGRAM__ADMINS": "1, 2", "SOKBO_LANGUAGE": "en"})
    assert (settings.web.port, settings.web.host, settings.language) == (9, "::1", "en")
    assert settings.telegram.admins == (1, 2)
    assert load(None, {"SOKBO_SLACK__ADMINS": '["U1", "U2"]'}).slack.admins == ("U1", "U2")


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("7700:abc\n", encoding="utf-8")
    settings = load(None, {"SOKBO_TELEGRAM__TOKEN_FILE": str(secret)})
    assert settings.telegram.token.get_secret_value() == "7700:abc"
    assert "abc" not in repr(settings) and settings.secrets() == ("7700:abc",)


def test_the_models_key_is_a_secret_that_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("sk-abc\n", encoding="utf-8")
    settings = load(None, {"SOKBO_CONDENSE__API_KEY_FILE": str(secret), "SOKBO_CONDENSE__MODEL_TIMEOUT": "250ms"})
    assert settings.condense.api_key.get_secret_value() == "sk-abc" and settings.secrets() == ("sk-abc",)
    assert settings.condense.model_timeout == 0.25 and "sk-abc" not in repr(settings)


def test_sources_are_read_with_their_durations(tmp_path: Path) -> None:
    file = write(tmp_path, '[[sources]]\nid = "a"\nurl = "https://a.example/feed"\nevery = "2s"\ntopics = ["x"]\n')
    (source,) = load(file, {}).watched()
    assert (source.id, source.name, source.kind, source.every, source.topics) == ("a", "a", Kind.FEED, 2.0, ("x",))
    assert source.timezone == "Asia/Seoul"


def test_every_problem_is_told_at_once_with_its_place_and_what_is_accepted(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        languag = "ko"
        timezone = "Mars/Phobos"
        [telegram]
        token = 5
        mode = "pigeon"
        [slack]
        bot_token = "xoxb-1"
        [fetch]
        timeout = "soon"
        [[sources]]
        id = "Big News"
        kind = "rss"
        url = ""
        [[sources]]
        colour = "red"
        """,
    )
    with pytest.raises(ConfigError) as caught:
        load(file, {"SOKBO_WEB__PRT": "1", "SOKBO_TELEGRAM__TOKEN_FILE": "/nowhere"})
    told = str(caught.value)
    assert told.startswith("sokbo.toml: 14 problems")
    for line in (
        "languag                      not a known key; did you mean language?",
        '[telegram] mode              "pigeon" is not accepted: "polling"',
        '[fetch] timeout              "soon" is not accepted: a duration such as "10s"',
        '[[sources]] #1 kind          "rss" is not accepted: feed, jekyll, wordpress or sitemap',
        "[[sources]] #2 url           missing",
        "[[sources]] #2 colour        not a known key",
        "SOKBO_WEB__PRT               not a known key; did you mean SOKBO_WEB__PORT?",
        "SOKBO_TELEGRAM__TOKEN_FILE   cannot be read",
        '[slack] app_token            missing, and mode is "socket"',
    ):
        assert line in told, told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("web = ", "not valid TOML"),
        ("[[sources]]\nid = 'a'\nurl = 'file:///etc/passwd'", "an http or https address"),
        ("[[sources]]\nid='a'\nurl='http://a.b/'\n[[sources]]\nid='a'\nurl='http://a.b/'", "is used twice"),
        *(
            (f"[[sources]]\nid='a'\nkind='jekyll'\nurl='{url}'", "a git repository as https://host/path without name")
            for url in (
                "http://a.b/s.git",
                "ssh://git@a.b/s.git",
                "git@a.b:s.git",
                "https://n:p@a.b/s",
                "ext::sh -c id",
            )
        ),
        ("[[sources]]\nid='a'\nurl='http://a.b/'\nencoding='klingon'", '"klingon" is not known'),
        ("[[sources]]\nid='a'\nurl='http://a.b/'\nboilerplate=['(']", '"(" is no regular expression'),
        ("[[sources]]\nid='a'\nurl='http://a.b/'\nboilerplate=['(a+)+']", "repeats a repetition"),
        ("[web]\nadmin_token = 'short'", "16 characters or more"),
        ("[condense]\nmodel_url = 'http://127.0.0.1:1/v1'", "model_url is set: give the model's name"),
        ("[condense]\nmodel_url = 'ftp://127.0.0.1/v1'\nmodel = 'm'", "an http or https address; empty: off"),
        ("[condense]\nmodel_url = 'http://'\nmodel = 'm'", "an http or https address; empty: off"),
        ("[condense]\nmodel_timeout = '5m'", "60 seconds at most"),
        ("[fetch]\nmin_every='2h'", "longer than max_every"),
        ("database_url = 'postgresql://u:p@h/n'", "PostgreSQL comes with a later version"),
    ],
)
def test_a_problem_says_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match="problem") as caught:
        load(write(tmp_path, text), {})
    assert told in str(caught.value)


def test_a_refused_secret_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, '[telegram]\ntoken = ["7700:very-secret"]\n[web]\nadmin_token = "hush-hush"'), {})
    assert "very-secret" not in str(caught.value) and "hush" not in str(caught.value)


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name an existing file with --config"):
        load(tmp_path / "none.toml", {})


def test_log_level_and_test_names_are_no_keys_and_everything_else_is() -> None:
    load(None, {"SOKBO_LOG_LEVEL": "DEBUG", "SOKBO_CONFIG": "x", "SOKBO_TEST_ANY": "1", "PATH": "x"})
    with pytest.raises(ConfigError):
        load(None, {"SOKBO_SOURCES": "[]"})
    assert "SOKBO_DELIVERY__ON_UNKNOWN" in keys() and "SOKBO_SOURCES" not in keys()


def test_keys_without_effect_are_named() -> None:
    assert load(None, {"SOKBO_SLACK__CLIENT_ID": "1.2"}).without_effect() == ("[slack] client_id",)
    assert load(None, {"SOKBO_DELIVERY__ROUNDUP_AFTER": "3"}).without_effect() == ()
    assert load(None, {}).without_effect() == ()


def test_networks_are_checked_where_they_are_written() -> None:
    assert load(None, {"SOKBO_FETCH__ALLOW_NETWORKS": "10.0.0.0/8, fd00::/8"}).fetch.allow_networks[1] == "fd00::/8"
    for wrong in ("10.0.0.1/8", "localhost", "10.0.0.0/40"):
        with pytest.raises(ConfigError, match=r"\[fetch\] allow_networks .* is not accepted: a list of networks"):
            load(None, {"SOKBO_FETCH__ALLOW_NETWORKS": wrong})
