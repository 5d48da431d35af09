"""That the double of Slack behaves as Slack does, seen by plain HTTP and by Slack's own clients."""

import asyncio
import threading
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import BOT_ID, FakeSlack, Json, read_mrkdwn

ROWS: list[Json] = tomllib.loads((Path(__file__).parent / "refusals.toml").read_text("utf-8"))["slack"]

# fmt: off
NAMED = {
    "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "msg_too_long", "no_text",
    "invalid_blocks", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "message_not_found", "cant_update_message", "edit_window_closed", "cant_delete_message", "thread_not_found",
    "ratelimited", "team_access_not_granted", "internal_error", "fatal_error", "service_unavailable",
    "request_timeout", "msg_blocks_too_long",
}
# fmt: on


# No connection is kept: the next double may get the port of the last one.
HTTP = httpx.Client(trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as slack:
        slack.add_channel("C1", "news", creator="U1")
        slack.add_user("U1", "minji")
        yield slack


@asynccontextmanager
async def web_client(fake: FakeSlack, token: str = "") -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(
            token=token or fake.bot_token,
            base_url=f"{fake.url}/api/",
            session=session,
            retry_handlers=[],
        )


@asynccontextmanager
async def connected(fake: FakeSlack, app: AsyncApp) -> AsyncIterator[None]:
    """The app, listening over Socket Mode; pings are quick, so that a lost socket is noticed quickly."""
    handler = AsyncSocketModeHandler(app, fake.app_token, ping_interval=0.2)
    connecting = asyncio.create_task(handler.connect_async())  # type: ignore[no-untyped-call]
    try:
        await asyncio.to_thread(fake.wait_for_connections)
        yield
    finally:
        connecting.cancel()
        await handler.close_async()  # type: ignore[no-untyped-call]


@contextmanager
def bare_socket(fake: FakeSlack, *, acks: bool = True) -> Iterator[list[Json]]:
    """A Socket Mode client of ten lines in a thread of its own; gives everything that it received."""
    received: list[Json] = []
    answer = HTTP.post(f"{fake.url}/api/apps.connections.open", headers={"Authorization": f"Bearer {fake.app_token}"})
    url = answer.json()["url"]

    async def listen() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
            async for message in ws:
                envelope = message.json()
                received.append(envelope)
                fake.notify()
                if acks and "envelope_id" in envelope:
                    await ws.send_json({"envelope_id": envelope["envelope_id"]})

    before = fake.connections
    thread = threading.Thread(target=lambda: asyncio.run(listen()), daemon=True)
    thread.start()
    fake.wait_for_connections(before + 1)
    try:
        yield received
    finally:
        fake.drop()
        thread.join(10)


# --------------------------------------------------------------------------------------------------- the refusals


def filled(value: Any, names: dict[str, str]) -> Any:
    """The request of a row: {repeat, count} written out, `$names` filled in."""
    if isinstance(value, dict) and value.keys() == {"repeat", "count"}:
        inner = filled(value["repeat"], names)
        return inner * value["count"] if isinstance(inner, str) else [inner for _ in range(value["count"])]
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def arranged(fake: FakeSlack, setup: Json) -> dict[str, str]:
    """Bring the double into the state a row asks for; what `$ts` and `$trigger` stand for."""
    names: dict[str, str] = {}
    restricted = {"archived": False, **setup.get("channel", {})}
    channel = fake.add_channel("C1", "news", **restricted)
    if "message" in setup:
        channel.archived = False
        names["$ts"] = one_message(fake, setup["message"])
        channel.archived = restricted["archived"]
    if "trigger" in setup or "response_url" in setup:
        with bare_socket(fake):
            slash = fake.slash("/latest", "", "C1", "U1")
        names["$trigger"], names["$response_url"] = slash.trigger_id, slash.response_url
        details = setup.get("response_url", {})
        for _ in range(details.get("uses", 0)):
            HTTP.post(slash.response_url, json={"text": "x"})
        fake.skip(details.get("age", 0) + setup.get("trigger", 0))
    if "posts" in setup:
        fake.strict_rates = True
        for _ in range(setup["posts"]):
            call(fake, "chat.postMessage", {"channel": "C1", "text": "x"})
    if "fault" in setup:
        fake.fault(**setup["fault"])
    fake.token_error = setup.get("token_error", "")
    fake.scopes.discard(setup.get("drop_scope", ""))
    fake.edit_window = setup.get("edit_window")
    fake.bad_images = set(setup.get("bad_images", ()))
    return names


def one_message(fake: FakeSlack, whose: str) -> str:
    if whose == "user":
        return fake.add_message("C1", "U1", "hello").ts
    ts = str(call(fake, "chat.postMessage", {"channel": "C1", "text": "x"}).json()["ts"])
    if whose == "deleted":
        call(fake, "chat.delete", {"channel": "C1", "ts": ts})
    return ts


def call(fake: FakeSlack, method: str, params: Json, token: str = "") -> httpx.Response:
    headers = {} if token == "none" else {"Authorization": f"Bearer {token or fake.bot_token}"}
    return HTTP.post(f"{fake.url}/api/{method}", json=params, headers=headers)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_slack_refuses_what_the_table_says(fake: FakeSlack, row: Json) -> None:
    setup = row.get("setup", {})
    names = arranged(fake, setup)
    request = filled(row["request"], names)
    if row["method"] == "response_url":
        answer = HTTP.post(names["$response_url"], json=request)
    else:
        answer = call(fake, row["method"], request, setup.get("token", ""))

    body = answer.json()
    assert (answer.status_code, body["ok"], body.get("error", "")) == (row["status"], not row["error"], row["error"])
    assert row.get("headers", {}).items() <= {key.title(): value for key, value in answer.headers.items()}.items()
    assert row.get("answer", {}).items() <= body.items()
    if "messages" in row:
        assert body["response_metadata"]["messages"] == row["messages"]


def test_every_error_we_name_has_a_row() -> None:
    assert NAMED - {row["error"] for row in ROWS} == set()


# ------------------------------------------------------------------------------------------- through Slack's client


async def test_a_post_is_kept_as_it_was_sent(fake: FakeSlack) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*속보*: <https://e.example/1|기사>"}}]
    async with web_client(fake) as client:
        who = await client.auth_test()
        posted = await client.chat_postMessage(
            channel="C1",
            text="속보",
            blocks=blocks,
            metadata={"event_type": "alert", "event_payload": {"delivery": 7}},
            unfurl_links=False,
            unfurl_media=False,
        )
    [message] = fake.wait_for_messages("C1", 1)
    assert (who["user_id"], who["team_id"]) == (fake.bot_user, fake.team_id)
    assert (posted["ts"], posted["message"]["bot_id"]) == (message.ts, BOT_ID)
    assert message.metadata == {"event_type": "alert", "event_payload": {"delivery": 7}}
    assert (message.unfurl_links, message.unfurl_media) == (False, False)
    assert fake.visible("C1") == ["속보: 기사 (https://e.example/1)"]
    assert [(c.method, c.channel, c.outcome) for c in fake.calls][-1] == ("chat.postMessage", "C1", "ok")


async def test_an_update_with_text_alone_removes_the_blocks_and_keeps_the_metadata(fake: FakeSlack) -> None:
    metadata = {"event_type": "alert", "event_payload": {"delivery": 7}}
    async with web_client(fake) as client:
        posted = await client.chat_postMessage(
            channel="C1", text="one", blocks=[{"type": "divider"}], metadata=metadata
        )
        await client.chat_update(channel="C1", ts=posted["ts"], text="two")
    [message] = fake.channels["C1"].messages
    assert (message.text, message.blocks, message.metadata) == ("two", [], metadata)
    assert [edit.text for edit in message.edits] == ["two"]


async def test_history_gives_metadata_only_when_asked(fake: FakeSlack) -> None:
    async with web_client(fake) as client:
        await client.chat_postMessage(
            channel="C1", text="x", metadata={"event_type": "alert", "event_payload": {"delivery": 7}}
        )
        fake.add_message("C1", "U1", "hello")
        bare = await client.conversations_history(channel="C1")
        full = await client.conversations_history(channel="C1", include_all_metadata=True)
    assert [message["text"] for message in full["messages"]] == ["hello", "x"]
    assert "event_payload" not in bare["messages"][1]["metadata"]
    assert full["messages"][1]["metadata"]["event_payload"] == {"delivery": 7}


async def test_history_keeps_to_its_window(fake: FakeSlack) -> None:
    async with web_client(fake) as client:
        stamps = [(await client.chat_postMessage(channel="C1", text=str(n)))["ts"] for n in range(3)]
        open_ended = await client.conversations_history(channel="C1", oldest=stamps[0])
        inclusive = await client.conversations_history(channel="C1", oldest=stamps[0], latest=stamps[1], inclusive=True)
    assert [message["text"] for message in open_ended["messages"]] == ["2", "1"]
    assert [message["text"] for message in inclusive["messages"]] == ["1", "0"]


async def test_history_comes_in_pages(fake: FakeSlack) -> None:
    fake.history_page = 2
    texts, cursor = [], None
    async with web_client(fake) as client:
        for n in range(5):
            await client.chat_postMessage(channel="C1", text=str(n))
        for _ in range(3):
            page = await client.conversations_history(channel="C1", limit=200, cursor=cursor)
            texts.append([message["text"] for message in page["messages"]])
            cursor = page["response_metadata"]["next_cursor"]
    assert texts == [["4", "3"], ["2", "1"], ["0"]]
    assert not cursor


async def test_a_thread_is_read_by_its_replies_and_is_not_in_the_history(fake: FakeSlack) -> None:
    async with web_client(fake) as client:
        parent = await client.chat_postMessage(channel="C1", text="parent")
        await client.chat_postMessage(channel="C1", text="child", thread_ts=parent["ts"])
        history = await client.conversations_history(channel="C1")
        replies = await client.conversations_replies(channel="C1", ts=parent["ts"])
    assert [message["text"] for message in history["messages"]] == ["parent"]
    assert [message["text"] for message in replies["messages"]] == ["parent", "child"]


async def test_people_and_channels_can_be_asked_about(fake: FakeSlack) -> None:
    fake.add_user("U2", admin=True)
    async with web_client(fake) as client:
        channel = (await client.conversations_info(channel="C1"))["channel"]
        person = (await client.users_info(user="U2"))["user"]
        direct = (await client.conversations_open(users="U2"))["channel"]["id"]
        team = (await client.team_info())["team"]["id"]
    assert (channel["creator"], channel["is_archived"]) == ("U1", False)
    assert (person["is_admin"], person["is_owner"]) == (True, False)
    assert fake.channels[direct].kind == "im"
    assert team == fake.team_id


async def test_a_post_to_a_person_opens_their_direct_channel(fake: FakeSlack) -> None:
    async with web_client(fake) as client:
        posted = await client.chat_postMessage(channel="U1", text="hello")
    assert fake.visible(posted["channel"]) == ["hello"]


async def test_wrong_tokens_are_refused(fake: FakeSlack) -> None:
    async with web_client(fake, token="xoxb-wrong") as client:
        with pytest.raises(SlackApiError) as bot:
            await client.auth_test()
        with pytest.raises(SlackApiError) as app:
            await client.apps_connections_open(app_token="xapp-wrong")
    assert [bot.value.response["error"], app.value.response["error"]] == ["invalid_auth", "invalid_auth"]


async def test_a_home_and_a_window_are_published(fake: FakeSlack) -> None:
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "x"}}]
    with bare_socket(fake):
        slash = fake.slash("/sokbo", "settings", "C1", "U1")
    async with web_client(fake) as client:
        await client.views_publish(user_id="U1", view={"type": "home", "blocks": blocks})
        window = {"type": "modal", "title": {"type": "plain_text", "text": "Settings"}, "blocks": blocks}
        await client.views_open(trigger_id=slash.trigger_id, view=window)
        with pytest.raises(SlackApiError, match="invalid_trigger_id"):
            await client.views_open(trigger_id=slash.trigger_id, view=window)
    assert fake.homes["U1"]["blocks"] == blocks
    assert len(fake.modals) == 1


# ------------------------------------------------------------------------------------------------------- misbehaving


async def test_a_call_reset_before_it_is_processed_leaves_nothing(fake: FakeSlack) -> None:
    fake.fault("reset_before")
    async with web_client(fake) as client:
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel="C1", text="x")
        await client.chat_postMessage(channel="C1", text="y")
    assert fake.visible("C1") == ["y"]


@pytest.mark.parametrize("kind", ["reset_after", "close_after", "malformed"])
async def test_a_call_whose_reply_is_lost_was_processed(fake: FakeSlack, kind: str) -> None:
    fake.fault(kind)
    async with web_client(fake) as client:
        with pytest.raises((aiohttp.ClientError, SlackApiError)):
            await client.chat_postMessage(channel="C1", text="x")
    assert fake.visible("C1") == ["x"]
    assert [(c.outcome, c.fault) for c in fake.calls] == [("ok", kind)]


@pytest.mark.parametrize(("kind", "seen"), [("hang", []), ("hang_after", ["x"])])
async def test_a_call_can_go_unanswered(fake: FakeSlack, kind: str, seen: list[str]) -> None:
    fake.fault(kind)
    async with web_client(fake) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.chat_postMessage(channel="C1", text="x")
    assert fake.visible("C1") == seen


def test_a_call_can_come_late(fake: FakeSlack) -> None:
    fake.fault("delay", seconds=0.2)
    assert call(fake, "chat.postMessage", {"channel": "C1", "text": "x"}).elapsed.total_seconds() >= 0.2


def test_a_fault_keeps_to_its_channel_and_method(fake: FakeSlack) -> None:
    fake.add_channel("C2")
    fake.fault("503", channel="C2", times=None)
    statuses = [call(fake, "chat.postMessage", {"channel": c, "text": "x"}).status_code for c in ("C1", "C2", "C2")]
    fake.clear_faults()
    assert statuses == [200, 503, 503]
    assert call(fake, "chat.postMessage", {"channel": "C2", "text": "x"}).json()["ok"]


def test_hooks_see_a_call_before_and_after_it_is_processed(fake: FakeSlack) -> None:
    seen: list[tuple[str, int, str]] = []
    fake.on("received", lambda c: seen.append(("received", len(fake.channels["C1"].messages), c.outcome)))
    fake.on("processed", lambda c: seen.append(("processed", len(fake.channels["C1"].messages), c.outcome)))
    call(fake, "chat.postMessage", {"channel": "C1", "text": "x"})
    assert seen == [("received", 0, ""), ("processed", 1, "ok")]


def test_a_form_with_nested_json_is_a_post_like_any_other(fake: FakeSlack) -> None:
    form = {"token": fake.bot_token, "channel": "C1", "text": "x", "blocks": '[{"type": "divider"}]'}
    assert HTTP.post(f"{fake.url}/api/chat.postMessage", data=form).json()["ok"]
    assert fake.channels["C1"].messages[0].blocks[0]["type"] == "divider"


def test_rates_are_counted_per_channel_and_per_workspace(fake: FakeSlack) -> None:
    fake.strict_rates, fake.workspace_per_minute = True, 7
    for n in range(2, 5):
        fake.add_channel(f"C{n}")
    crowded = [call(fake, "chat.postMessage", {"channel": "C1", "text": "x"}) for _ in range(6)]
    spread = [call(fake, "chat.postMessage", {"channel": f"C{n}", "text": "x"}) for n in range(2, 5)]
    assert [answer.status_code for answer in crowded + spread] == [200] * 5 + [429] + [200] * 2 + [429]
    assert crowded[-1].headers["Retry-After"] == "1"
    assert int(spread[-1].headers["Retry-After"]) > 50
    assert fake.rate_breaches == 2


# --------------------------------------------------------------------------------------------------- what people see


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("*bold* _it_ ~gone~ `code`", "bold it gone code"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("*<https://e.example/a_b_c|제목 &amp; more>*", "제목 & more (https://e.example/a_b_c)"),
        ("<https://e.example/?a=1&amp;b=2>", "https://e.example/?a=1&b=2"),
        ("<!here> <#C1|news> &lt;!channel&gt;", "@here #news <!channel>"),
    ],
)
def test_mrkdwn_reads_as_a_person_reads_it(text: str, seen: str) -> None:
    assert read_mrkdwn(text) == seen


def test_pings_are_found_where_they_would_ring(fake: FakeSlack) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "<!channel> in a header is only text"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "<!here> and &lt;!everyone&gt; and <@U1>"}},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "everyone"}]}],
        },
    ]
    call(fake, "chat.postMessage", {"channel": "C1", "text": "<!here> hello <!subteam^S1|desk>", "blocks": blocks})
    [message] = fake.channels["C1"].messages
    assert message.pings == ["<!here>", "<!subteam^S1>", "<@U1>", "<!everyone>"]


def test_escaped_pings_do_not_ring(fake: FakeSlack) -> None:
    call(fake, "chat.postMessage", {"channel": "C1", "text": "&lt;!channel&gt; &lt;@U1&gt; @here"})
    assert fake.channels["C1"].messages[0].pings == []


def test_blocks_are_read_top_to_bottom(fake: FakeSlack) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://e.example/2"}
    bullet = {"type": "rich_text_section", "elements": [{"type": "text", "text": "첫째"}]}
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "제목"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*a*"}, {"type": "mrkdwn", "text": "b"}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": [bullet]}]},
        {"type": "image", "image_url": "https://e.example/i.png", "alt_text": "사진"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "<https://e.example/1|기사>"}]},
        {"type": "divider"},
        {"type": "actions", "elements": [button]},
    ]
    assert call(fake, "chat.postMessage", {"channel": "C1", "text": "x", "blocks": blocks}).json()["ok"]
    [message] = fake.channels["C1"].messages
    assert message.visible.split("\n") == [
        "제목",
        "a",
        "b",
        "• 첫째",
        "[image: 사진]",
        "기사 (https://e.example/1)",
        "[Open]",
    ]
    assert message.links == ["https://e.example/1", "https://e.example/2"]


# -------------------------------------------------------------------------------------------------------- coming in


async def test_a_slash_command_is_acknowledged_and_answered(fake: FakeSlack) -> None:
    async with web_client(fake) as client:
        app = AsyncApp(client=client)

        @app.command("/latest")
        async def latest(ack: AsyncAck, respond: AsyncRespond, body: Json) -> None:
            await ack()
            await respond(text=f"{body['text']} of {body['user_name']}", response_type="ephemeral")
            await respond(text="for all", response_type="in_channel")

        async with connected(fake, app):
            result = await asyncio.to_thread(fake.slash, "/latest", "3", "C1", "U1")
            replies = await asyncio.to_thread(fake.wait_for_replies, result, 2)
    assert (result.acked, result.ack_payload, fake.unacked) == (True, None, [])
    assert [(reply.visible, reply.response_type) for reply in replies] == [
        ("3 of minji", "ephemeral"),
        ("for all", "in_channel"),
    ]
    assert fake.visible("C1") == ["for all"]


async def test_an_acknowledgement_with_text_is_an_answer(fake: FakeSlack) -> None:
    async with web_client(fake) as client:
        app = AsyncApp(client=client)

        @app.command("/latest")
        async def latest(ack: AsyncAck) -> None:
            await ack(text="at once")

        async with connected(fake, app):
            result = await asyncio.to_thread(fake.slash, "/latest", "", "C1", "U1")
    assert [reply.visible for reply in result.replies] == ["at once"]


async def test_an_event_sent_again_keeps_its_id(fake: FakeSlack) -> None:
    heard: list[tuple[str, str]] = []
    async with web_client(fake) as client:
        app = AsyncApp(client=client)

        @app.event("app_mention")
        async def mentioned(event: Json, body: Json) -> None:
            heard.append((body["event_id"], event["text"]))
            fake.notify()

        async with connected(fake, app):
            event = await asyncio.to_thread(fake.mention, "C1", "U1", "why https://e.example/1 & more")
            await asyncio.to_thread(fake.redeliver, event)
            await asyncio.to_thread(fake.wait_until, lambda: len(heard) == 2)
    text = f"<@{fake.bot_user}> why <https://e.example/1> &amp; more"
    assert heard == [(event.event_id, text)] * 2
    assert [envelope.retry_attempt for envelope in event.envelopes] == [0, 1]


async def test_a_direct_message_and_an_invitation_reach_the_app(fake: FakeSlack) -> None:
    heard: list[Json] = []
    async with web_client(fake) as client:
        app = AsyncApp(client=client)

        @app.event("message")
        @app.event("member_joined_channel")
        async def listen(event: Json) -> None:
            heard.append(event)
            fake.notify()

        fake.channels["C1"].member = False
        async with connected(fake, app):
            await asyncio.to_thread(fake.direct_message, "U1", "latest 3")
            await asyncio.to_thread(fake.join, "C1")
            await asyncio.to_thread(fake.wait_until, lambda: len(heard) == 2)
    assert [(event["type"], event.get("channel_type")) for event in heard] == [
        ("message", "im"),
        ("member_joined_channel", None),
    ]
    assert fake.channels[heard[0]["channel"]].user == "U1"
    assert fake.channels["C1"].member


async def test_a_pressed_button_may_replace_its_message(fake: FakeSlack) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "More"}, "action_id": "more", "value": "p2"}
    async with web_client(fake) as client:
        app = AsyncApp(client=client)

        @app.action("more")
        async def more(ack: AsyncAck, respond: AsyncRespond, body: Json) -> None:
            await ack()
            await respond(text=f"page {body['actions'][0]['value']}", replace_original=True)

        posted = await client.chat_postMessage(
            channel="C1", text="page 1", blocks=[{"type": "actions", "elements": [button]}]
        )
        async with connected(fake, app):
            result = await asyncio.to_thread(fake.press, "C1", "U1", posted["ts"], "more", "p2")
            await asyncio.to_thread(fake.wait_for_replies, result)
    assert (result.acked, fake.visible("C1")) == (True, ["page p2"])
    with pytest.raises(AssertionError, match="no button"):
        fake.press("C1", "U1", posted["ts"], "more", "p2")


@pytest.mark.parametrize("how", ["disconnect", "drop"])
async def test_a_client_that_lost_its_socket_comes_back(fake: FakeSlack, how: str) -> None:
    async with web_client(fake) as client:
        app = AsyncApp(client=client)

        @app.command("/latest")
        async def latest(ack: AsyncAck) -> None:
            await ack()

        async with connected(fake, app):
            if how == "drop":
                fake.drop()
            else:
                await asyncio.to_thread(fake.disconnect, "refresh_requested")
            await asyncio.to_thread(fake.wait_until, lambda: len(fake.calls_to("apps.connections.open")) == 2)
            await asyncio.to_thread(fake.wait_for_connections)
            result = await asyncio.to_thread(fake.slash, "/latest", "", "C1", "U1")
    assert result.acked


def test_what_nobody_acknowledges_is_recorded(fake: FakeSlack) -> None:
    with bare_socket(fake, acks=False) as received:
        result = fake.slash("/latest", "", "C1", "U1", seconds=0.2)
    assert [message["type"] for message in received] == ["hello", "slash_commands"]
    assert (result.acked, fake.unacked) == (False, [result.envelope])


def test_an_unacknowledged_event_comes_three_times_more(fake: FakeSlack) -> None:
    fake.redelivers, fake.redeliver_after = True, 0.05
    with bare_socket(fake, acks=False) as received:
        event = fake.mention("C1", "U1", "latest", seconds=0.05)
        fake.wait_until(lambda: len(received) == 5)
    sent = received[1:]
    assert [message["retry_attempt"] for message in sent] == [0, 1, 2, 3]
    assert {message["payload"]["event_id"] for message in sent} == {event.event_id}


def test_a_ticket_opens_one_socket(fake: FakeSlack) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert HTTP.get(f"{fake.url}/socket?ticket=made-up", headers=upgrade).status_code == 403


async def test_an_eleventh_socket_is_sent_away(fake: FakeSlack) -> None:
    async with web_client(fake) as client, aiohttp.ClientSession() as session:
        kept = []
        for _ in range(10):
            url = (await client.apps_connections_open(app_token=fake.app_token))["url"]
            kept.append(await session.ws_connect(url))
        await asyncio.to_thread(fake.wait_for_connections, 10)
        url = (await client.apps_connections_open(app_token=fake.app_token))["url"]
        eleventh = await session.ws_connect(url)
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
