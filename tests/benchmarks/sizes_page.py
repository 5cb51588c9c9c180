"""docs/measured/scaling.md, made by the run: measured figures, what follows from them, and which knob comes first."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.benchmarks.comparison import written
from tests.benchmarks.paragraphs import filled
from tests.benchmarks.stack import ROOT

if TYPE_CHECKING:
    from tests.benchmarks.sizes import Sizes
    from tests.benchmarks.usage import Usage

PAGE = ROOT / "docs/measured/scaling.md"
MILLION = 1_000_000
SERVERS = ("PostgreSQL", "Redis")
FULL = 0.7
"""Of its processors PostgreSQL may be busy with before waiting shows."""
CORES = (2, 8, 32, 64)
EVENTS_OF_GROUPS = 20_000


def write(found: Sizes, versions: Sequence[str], *, seconds: float) -> None:
    told = [
        "# Scaling",
        "",
        f"Made by `make sizes` in {seconds / 60:.0f} minutes: {os.cpu_count()} cores",
        f"({platform.machine()}), load average",
        f"{os.getloadavg()[2]:.1f}; {', '.join(versions)}. Figures are measured here unless they say",
        "*computed*. Orders are of",
        f"{found.body_bytes:,} bytes and five lines, each put twice, with one supplier told of them.",
        "",
        *_processor(found),
        *_disk(found),
        *_redis(found),
        *_groups(found),
        *_end_of_postgresql(found),
        *_knobs(found),
    ]  # fmt: skip
    PAGE.write_text(filled(told))


def _processor(found: Sizes) -> list[str]:
    rows = [
        "## What a million costs in processor time",
        "",
        "| a million times | hub | PostgreSQL | Redis | commits | log (WAL) | here, alone |",
        "|---|---|---|---|---|---|---|",
    ]
    for part, (count, usage) in found.parts.items():
        per = MILLION / count
        cells = (_seconds(hub_seconds(usage) * per), _seconds(usage.processor["PostgreSQL"] * per),
                 _seconds(usage.processor["Redis"] * per), f"{usage.commits * per / MILLION:.2f} million",
                 f"{usage.wal_bytes * per / 2**30:.2f} GiB", f"{count / usage.seconds:,.0f}/s")  # fmt: skip
        rows.append(f"| {part} | " + " | ".join(cells) + " |")
    return [*rows, "", "Reads of an order and the console add to this; imports to warehouses are in `make bench`.", ""]


def hub_seconds(usage: Usage) -> float:
    return sum(seconds for name, seconds in usage.processor.items() if name not in (*SERVERS, "scheduler"))


def _seconds(seconds: float) -> str:
    return f"{written(seconds)} s"


def _disk(found: Sizes) -> list[str]:
    rows = [
        "## What a million costs on disk",
        "",
        "| row | table | indexes | a million |",
        "|---|---|---|---|",
    ]
    for kind, (count, table, indexes) in found.bytes_of.items():
        each = (table + indexes) / max(count, 1)
        rows.append(
            f"| {kind} | {table / count:,.0f} B | {indexes / count:,.0f} B | {each * MILLION / 2**30:.2f} GiB |"
        )
    whole = sum(table + indexes for _, table, indexes in found.bytes_of.values()) + found.other_bytes
    orders = found.bytes_of["order"][0]
    kept = sum(sum(found.bytes_of[kind][1:]) for kind in ("order", "queue of an order"))
    return [
        *rows,
        "",
        "A million orders with two events and a delivery each:",
        f"{whole / orders * MILLION / 2**30:.1f} GiB, all tables and",
        "indexes counted, as they are after a busy day with autovacuum. Orders themselves and their",
        "queues, which stay,",
        f"are {kept / orders * MILLION / 2**30:.1f} GiB of it; the rest is history, which a tenant's",
        "retention removes.",
        "",
    ]  # fmt: skip


def _redis(found: Sizes) -> list[str]:
    grown = (found.redis_peak - found.redis_idle) / 2**20
    return [
        "## Redis",
        "",
        f"{found.redis_idle / 2**20:.1f} MiB when idle, {grown:.1f} MiB more at the most while all of",
        "the above went through",
        "it: wakes are coalesced, so memory does not depend on the number of orders. A million orders cost it nothing",
        "that stays.",
        "",
    ]  # fmt: skip


def _groups(found: Sizes) -> list[str]:
    rows = [
        "## More workers",
        "",
        f"{EVENTS_OF_GROUPS:,} events over 2,000 orders of one line, told to nobody: the queues alone, where the first",
        "table has new orders of five lines and what they owe. Hosts are process groups that share only PostgreSQL and",
        "Redis (`tests/chaos/test_hosts.py` shows two of them losing and doubling nothing).",
        "",
        "| hosts | processes each | applied/s | workers, per million | PostgreSQL, per million |",
        "|---|---|---|---|---|",
    ]
    for (hosts, processes), (rate, usage) in found.groups.items():
        per = MILLION / EVENTS_OF_GROUPS
        cells = f"{rate:,.0f} | {_seconds(hub_seconds(usage) * per)} | {_seconds(usage.processor['PostgreSQL'] * per)}"
        rows.append(f"| {hosts} | {processes} | {cells} |")
    return [*rows, "", f"All of it shares {os.cpu_count()} cores: what matters elsewhere are the last two columns.", ""]


def per_event(found: Sizes) -> tuple[float, float, float, float]:
    """Seconds of PostgreSQL, seconds of the hub, bytes of log and commits of one event with its share of telling."""
    put, apply, tell = list(found.parts.values())[:3]
    share = tell[0] / put[0]
    parts = ((put, 1.0), (apply, 1.0), (tell, share))
    return tuple(  # type: ignore[return-value]
        sum(figure(usage) / count * weight for (count, usage), weight in parts)
        for figure in (lambda usage: usage.processor["PostgreSQL"], hub_seconds, lambda usage: usage.wal_bytes,
                       lambda usage: usage.commits)
    )  # fmt: skip


def _end_of_postgresql(found: Sizes) -> list[str]:
    postgres, hub, log, commits = per_event(found)
    rows = [
        "## Where PostgreSQL on one machine ends",
        "",
        f"An event from PUT to the supplier's answer costs PostgreSQL {postgres * 1000:.2f} ms of one",
        "core, the hub's own",
        f"processes {hub * 1000:.2f} ms, {log:,.0f} bytes of log and {commits:.2f} commits that wait for the disk.",
        "",
        f"| PostgreSQL cores | events/s at {FULL:.0%} of them, *computed* | a day | log | hub cores beside it |",
        "|---|---|---|---|---|",
    ]
    for cores in CORES:
        rate = cores * FULL / postgres
        cells = (f"{rate:,.0f}", f"{rate * 86_400 / MILLION:,.0f} million", f"{rate * log / 2**20:,.0f} MiB/s",
                 f"{rate * hub / FULL:,.0f}")  # fmt: skip
        rows.append(f"| {cores} | " + " | ".join(cells) + " |")
    many = found.commits[max(found.commits)]
    told = ", ".join(f"{rate:,.0f} with {count} connection{'s' * (count > 1)}" for count, rate in found.commits.items())
    return [
        *rows,
        "",
        f"Cores come first, unless the disk cannot commit so often: this one takes {told} a second (one row each),",
        f"*computed* {many / commits:,.0f} events/s. More than about 300 connections want a pooler in transaction",
        "mode in front ([how](../guides/running.md#behind-a-pooler)); each web thread, worker process and outbound",
        "thread holds one.",
        "",
    ]  # fmt: skip


def _knobs(found: Sizes) -> list[str]:
    put, apply, tell, get = (usage for _, usage in found.parts.values())
    ratio = hub_seconds(apply) / max(apply.processor["PostgreSQL"], 1e-9)
    reads = get.processor["PostgreSQL"] / max(get.processor["PostgreSQL"] + hub_seconds(get), 1e-9)
    one, both = found.groups[1, 1][0], found.groups[2, 1][0]
    return [
        "## Which knob comes first",
        "",
        "1. **PUTs wait**: `HUB_WEB_PROCESSES`, then more web hosts. A core takes",
        f"   {_rate(found, 0):,.0f} PUTs/s (*computed*",
        f"   from the table), of which PostgreSQL spends {_share(put):.0%} of the processor time.",
        "2. **Oldest due event rises**: `HUB_WORKER_PROCESSES`, then more worker hosts:",
        f"   {both / one:.2f} times as much with a",
        f"   second one here. A worker uses {ratio:.1f} times PostgreSQL's processor time, so",
        "   PostgreSQL feeds about as many",
        "   worker cores as that for each of its own.",
        "3. **Oldest due delivery rises while destinations are well**: a destination's concurrency, then",
        f"   `HUB_OUTBOUND_THREADS`, then more outbound hosts. A core tells {_rate(found, 2):,.0f}",
        "   suppliers/s (*computed*);",
        f"   PostgreSQL has {_share(tell):.0%} of the work.",
        "4. **Disk**: retention per tenant; what is left is the first row of the table above.",
        "5. **PostgreSQL's cores**: a bigger machine for it alone, then web and workers elsewhere.",
        "   `synchronous_commit` stays",
        "   on: an accepted order is on disk.",
        f"6. **A read replica** takes reads only, and of a GET PostgreSQL has {reads:.0%}: it helps",
        "   reports and other programs",
        "   that read the tables. The hub itself reads and writes one database; it has no setting for a replica.",
        "7. **Partition by tenant**: nothing relates rows of two tenants, and every large table has",
        "   `tenant_id`. Beyond one",
        "   PostgreSQL, give groups of tenants a hub and a database of their own behind one address",
        "   that routes by client;",
        "   there is no limit to that, and a flood or a restore then concerns one group.",
        "",
        "Up to which load nothing of this is needed is in [benchmarks](benchmarks.md); a long run",
        "while partners misbehave in",
        "[soak](soak.md); faults in [reliability](reliability.md).",
    ]  # fmt: skip


def _rate(found: Sizes, number: int) -> float:
    """A second, by one core of the hub."""
    count, usage = list(found.parts.values())[number]
    return count / hub_seconds(usage)


def _share(usage: Usage) -> float:
    postgres = usage.processor["PostgreSQL"]
    return postgres / (postgres + hub_seconds(usage))
