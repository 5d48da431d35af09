"""`python -m benchmarks [NAME] …`: one benchmark, or without a name all of them."""

import argparse
import os
import sys
from pathlib import Path

SOME_POSTS = 20_000
"""Of the search's million, where all benchmarks run one after the other."""
SAMPLE = Path(__file__).parents[1] / "examples" / "site"


def parser() -> argparse.ArgumentParser:
    """Every name with its options."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description="The benchmarks of the README.")
    names = top.add_subparsers(dest="name", title="benchmarks", description="without a name: all of them")
    path = names.add_parser("whole_path", help="read, condense, commit and render a folder of posts; nothing is sent")
    path.add_argument("folder", type=Path, nargs="?", default=SAMPLE, help="holds _posts (default: the sample site)")
    condense = names.add_parser("condense", help="the condenser against gold written by hand and other summarisers")
    condense.add_argument("--half", choices=("tune", "hold"), help="only this half of the gold posts (default: both)")
    condense.add_argument("--misses", action="store_true", help="list the facts each alert missed, and its faults")
    condense.add_argument("--corpus", type=Path, help="folder of SITE/_posts folders (default: ../shared/corpus)")
    search = names.add_parser("search", help="archive search beside LIKE and the trigram tokenizer")
    search.add_argument(
        "corpus", type=Path, nargs="?", help="folder of SITE/_posts folders (default: ../shared/corpus)"
    )
    search.add_argument("--posts", type=int, default=1_000_000, help="how many posts are made (default: a million)")
    search.add_argument("--seed", type=int, default=1, help="which posts and questions (default: 1)")
    search.add_argument("--postgresql", action="store_true", help="the same questions of a PostgreSQL, beside it")
    names.add_parser("filters", help="10,000 subscriptions with word filters against one alert")
    websub = names.add_parser("websub", help="from published to the chat: by a hub, by a hook, and by reading")
    websub.add_argument("--rounds", type=int, default=40, help="news for each of the ways (default: 40)")
    polling = names.add_parser("polling", help="what a poll of a feed costs, beside httpx and feedparser")
    polling.add_argument("--feeds", type=int, default=2000, help="hosts with a feed each (default: 2000)")
    polling.add_argument("--sample", type=int, default=200, help="of them read with feedparser too (default: 200)")
    watching = names.add_parser("watching", help="10,000 sources in one process: computing, lateness, memory")
    watching.add_argument("--sources", type=int, default=10_000, help="each with a host of its own (default: 10000)")
    watching.add_argument("--minutes", type=float, default=10.0, help="of the clock (default: 10)")
    ledger = names.add_parser("ledger", help="inserts, marks, planning, and whether the ledger's length matters")
    ledger.add_argument("--rows", default="10000,100000,1000000", help="old rows to measure beside, in order")
    fanout = names.add_parser(
        "fanout", help="one alert to many chats at the rate of the account, and answers meanwhile"
    )
    rates = ("30", "1000", "slack")
    fanout.add_argument("--rate", choices=rates, help="messages a second on Telegram, or 20 workspaces (default: all)")
    fanout.add_argument("--chats", type=int, help="how many get the alert (default: 600, 3000, 3000)")
    sending = names.add_parser("sending", help="CPU of a message from claim to mark, beside other ways to send it")
    sending.add_argument("--messages", type=int, default=1000, help="of each run (default: 1000)")
    sending.add_argument("--rounds", type=int, default=3, help="runs of each way to send, in turns (default: 3)")
    faults = names.add_parser("faults", help="5,000 deliveries, disturbed and killed: nothing lost, no double unseen")
    faults.add_argument("--seeds", default="1", help="3, or 1-20")
    return top


def main() -> None:
    """Run what was asked for, what computes on one core, so that the figures mean the same everywhere."""
    options = parser().parse_args()
    if options.name == "faults":  # the bot and the doubles are processes that run beside each other
        from benchmarks import faults

        first, _, last = options.seeds.partition("-")
        faults.main(range(int(first), int(last or first) + 1))
        return
    missed = list[str]()
    if options.name in (None, "fanout"):
        from benchmarks import fanout

        given = vars(options)
        if not fanout.main(given.get("rate"), given.get("chats")):
            missed.append("fanout")
    if options.name in (None, "sending"):
        from benchmarks import sending

        given = vars(options)
        if not sending.main(given.get("messages", 1000), given.get("rounds", 1)):
            missed.append("sending")
    if options.name in (None, "websub"):
        from benchmarks import websub

        websub.main(vars(options).get("rounds", 40))
    if options.name == "watching":
        from benchmarks import watching

        watching.main(options.sources, options.minutes)
        return
    if options.name in (None, "polling"):
        from benchmarks import polling

        given = vars(options)
        polling.main(given.get("feeds", 200), given.get("sample", 20))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if options.name in (None, "whole_path"):
        from benchmarks import whole_path

        whole_path.main(options.folder if options.name else SAMPLE)
    if options.name in (None, "filters"):
        from benchmarks import filters

        filters.main()
    if options.name in (None, "search"):
        from benchmarks import search
        from benchmarks.condense import posts

        given = vars(options)
        search.main(
            given.get("corpus") or posts.SHARED,
            given.get("posts", SOME_POSTS),
            given.get("seed", 1),
            beside_postgresql=given.get("postgresql", False),
        )
    if options.name in (None, "condense"):
        from benchmarks.condense import posts, report

        given = vars(options)
        report.main(given.get("corpus") or posts.SHARED, given.get("half"), given.get("misses", False))
    if options.name in (None, "ledger"):
        from benchmarks import ledger

        rows = options.rows if options.name else "10000,100000"
        ledger.main(sizes=[int(size) for size in rows.split(",")])
    if missed:
        sys.exit(f"{', '.join(missed)}: a figure above is not as wanted")


if __name__ == "__main__":
    main()
