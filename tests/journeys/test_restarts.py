"""What people hold in their hands outlives a restart of the real bot: the first admin's rights, and page buttons."""

import re
from pathlib import Path

from tests.bot import Bot
from tests.fakes.slack import FakeSlack
from tests.journeys.scene import Scene, item

OFFER = re.compile(r"  admin +(?P<platform>\w+) has none yet: (?:open https://t\.me/\w+\?start=|.*: /sokbo claim )")
NO_ADMIN = {"open": False}


def started_again(scene: Scene) -> Bot:
    """The same folder, configuration and database, in a new process; the old one is killed."""
    scene.bot.kill()
    scene.bot = Bot(scene.folder, level=scene.level).start()
    return scene.bot


def offered(scene: Scene) -> dict[str, str]:
    """Platform -> the code that the terminal offers its first admin, once both stand there."""
    for platform in ("telegram", "slack"):
        scene.bot.wait_for_line(f"{platform} has none yet")
    lines = {
        found["platform"]: line[found.end() :].split()[0] for line in scene.bot.lines if (found := OFFER.match(line))
    }
    return {name: word.removeprefix("claim_") for name, word in lines.items()}


def on_telegram(scene: Scene, person: int, text: str) -> str:
    """What a person reads who writes that to the bot in private."""
    scene.telegram.add_chat(person, "private")
    before = len(scene.telegram.messages(person))
    scene.telegram.send_text(person, person, text)
    return scene.telegram.wait_for_messages(person, before + 1, 20)[-1].text


def on_slack(scene: Scene, person: str, text: str) -> str:
    scene.slack.wait_for_connections(1, 20)
    return scene.slack.wait_for_replies(scene.slack.slash("/sokbo", text, "C1", person))[0].visible


def test_the_terminal_offers_each_platforms_first_admin_a_code_that_works_once_and_never_after_a_restart(
    tmp_path: Path,
) -> None:
    with Scene(tmp_path, telegram=NO_ADMIN, slack=NO_ADMIN) as scene:
        unused = offered(scene)
        assert unused.keys() == {"telegram", "slack"}
        started_again(scene)
        codes = offered(scene)
        assert not {*codes.values()} & {*unused.values()}
        assert "이 코드는 쓸 수 없습니다" in on_telegram(scene, 42, f"/start claim_{unused['telegram']}")
        assert "이 코드는 쓸 수 없습니다" in on_slack(scene, "U1", f"claim {unused['slack']}")

        assert on_telegram(scene, 42, f"/start claim_{codes['telegram']}").startswith("이제 이 봇의 관리자입니다.")
        assert on_slack(scene, "U1", f"claim {codes['slack']}").startswith("이제 이 봇의 관리자입니다.")
        assert "이 코드는 쓸 수 없습니다" in on_telegram(scene, 43, f"/start claim_{codes['telegram']}")
        assert "이 코드는 쓸 수 없습니다" in on_slack(scene, "U2", f"claim {codes['slack']}")

        started_again(scene)
        assert on_telegram(scene, 42, "/status").splitlines()[0].endswith("이상 없습니다"), "still the admin"
        assert "출처" in on_slack(scene, "U1", "status")
        assert "초대받은 사람만" in on_telegram(scene, 43, "/status")
        for person, code in ((43, codes["telegram"]), (43, unused["telegram"])):
            assert "이 코드는 쓸 수 없습니다" in on_telegram(scene, person, f"/claim {code}")
        assert "이 코드는 쓸 수 없습니다" in on_slack(scene, "U2", f"claim {codes['slack']}")
        assert scene.bot.stop()[0] == 0
        assert "none yet" not in scene.bot.output


def test_page_buttons_of_a_search_work_in_a_new_process(tmp_path: Path) -> None:
    entries = [item(number, title=f"수출 소식 {number:04d}호") for number in range(1, 8)]
    with Scene(tmp_path) as scene:
        scene.subscribe()
        scene.publish(*entries)
        scene.telegram.wait_until(lambda: len(scene.telegram.messages(42)) >= 2, 20)
        found = _searched(scene)
        shown = scene.slack.wait_for_replies(scene.slack.slash("/sokbo", "search 수출", "C1", "U1"))[0]
        started_again(scene)
        scene.telegram.press_button(42, 42, found, "▶")
        message = next(one for one in scene.telegram.messages(42) if one.message_id == found)
        scene.telegram.wait_until(lambda: "6–7 / 7" in message.text, 20)
        _press_on(scene.slack, shown.ts, "▶")
        scene.slack.wait_until(lambda: "6–7 / 7" in shown.visible, 20)


def _searched(scene: Scene) -> int:
    """The message with the first page, once all seven stand in the archive."""

    def pages() -> int:
        before = len(scene.telegram.messages(42))
        scene.telegram.send_text(42, 42, "/search 수출")
        message = scene.telegram.wait_for_messages(42, before + 1, 20)[-1]
        return message.message_id if "1–5 / 7" in message.text else 0

    return pages() or pages()


def _press_on(slack: FakeSlack, ts: str, label: str) -> None:
    slack.wait_for_connections(1, 20)
    shown = slack._shown("C1", ts)
    button = next(one for one in shown.buttons if one["text"]["text"] == label)
    slack.press("C1", "U1", ts, button["action_id"], button["value"])
