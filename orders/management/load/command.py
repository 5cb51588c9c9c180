"""Options, progress, refused lines and exit codes of ``manage.py events load``.

exit 0   every line was accepted
exit 1   some lines were refused, or the hub went away: the same command goes on where it stopped
exit 2   wrong use: no file, no login, a login that the hub refuses
"""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import CommandError, CommandParser, OutputWrapper

from orders.management.load.batches import LINE_BYTES, Batch, batches
from orders.management.load.hub import Hub, LoadFailed, Login, Refused
from orders.management.load.position import Keeper, PositionRefused
from orders.values.time_text import in_words

SOME_REFUSED, WRONG_USE, INTERRUPTED = 1, 2, 130
CLIENT_VARIABLE, SECRET_VARIABLE = "HUB_LOAD_CLIENT_ID", "HUB_LOAD_CLIENT_SECRET"
TOLD_SECONDS = 2.0
"""Between two lines of progress where no terminal shows a bar."""
BAR = 30
"""Characters of the bar, so that the whole line fits 80 columns."""


def add_arguments(parser: CommandParser) -> None:
    group = parser.add_argument_group("load FILE.ndjson --tenant T")
    group.add_argument("--url", help="load: the hub's address; by default this hub's own public URL")
    group.add_argument("--client-id", metavar="ID", help=f"load: the API client; by default ${CLIENT_VARIABLE}")
    secret = f"load: a file that holds the client's secret; by default ${SECRET_VARIABLE}, else it is asked for"
    group.add_argument("--secret-file", type=Path, metavar="PATH", help=secret)
    group.add_argument("--position", type=Path, metavar="PATH", help="load: where to keep how far it is; FILE.position")


class Loading:
    """One run over one file."""

    def __init__(self, options: Mapping[str, Any], out: OutputWrapper, err: OutputWrapper) -> None:
        self._options, self._out, self._err = options, out, err
        self._bar = err.isatty()
        self._began = self._told_at = time.monotonic()

    def run(self) -> None:
        path = self._file()
        try:
            with path.open("rb") as file:
                self._load(path, file)
        except PositionRefused as refused:
            raise CommandError(str(refused), returncode=WRONG_USE) from None
        except OSError as error:
            raise CommandError(f"{error.filename or path}: {error.strerror}.", returncode=WRONG_USE) from None

    def _file(self) -> Path:
        if len(self._options["ids"]) != 1 or not self._options["tenant"]:
            raise CommandError("Say: events load FILE.ndjson --tenant T", returncode=WRONG_USE)
        return Path(self._options["ids"][0])

    def _load(self, path: Path, file: BinaryIO) -> None:
        tenant, url = self._options["tenant"], (self._options["url"] or settings.HUB_PUBLIC_URL).rstrip("/")
        place = self._options["position"] or path.with_name(path.name + ".position")
        self._keeper = Keeper.open(place, file, tenant=tenant, url=url)
        self._size, self._start = os.fstat(file.fileno()).st_size, self._keeper.position.offset
        if self._start:
            self._say(f"Going on at line {self._keeper.position.line:,} ({place} says so).")
        login = self._login()
        self._keeper.write()
        try:
            with closing(Hub(url, login, tenant=tenant, told=self._say)) as hub:
                for batch in batches(file, first_line=self._keeper.position.line):
                    self._send(hub, batch)
        except Refused as refused:
            raise CommandError(f"{self._stopped()} {refused}", returncode=WRONG_USE) from None
        except LoadFailed as failed:
            raise CommandError(f"{self._stopped()} {failed}", returncode=SOME_REFUSED) from None
        except KeyboardInterrupt:
            raise CommandError(self._stopped(), returncode=INTERRUPTED) from None
        self._finish()

    def _login(self) -> Login:
        client_id = self._options["client_id"] or os.environ.get(CLIENT_VARIABLE, "")
        if not client_id:
            raise CommandError(f"Name the API client: --client-id, or ${CLIENT_VARIABLE}.", returncode=WRONG_USE)
        secret_file = self._options["secret_file"]
        secret = secret_file.read_text().strip() if secret_file else os.environ.get(SECRET_VARIABLE, "")
        if not secret and sys.stdin.isatty():
            secret = getpass.getpass(f"Secret of {client_id}: ")
        if not secret:
            raise CommandError(f"Give the secret in ${SECRET_VARIABLE} or --secret-file.", returncode=WRONG_USE)
        return Login(client_id, secret)

    def _send(self, hub: Hub, batch: Batch) -> None:
        answers = hub.load(batch.body, key=batch.key(self._options["tenant"])) if batch.body.strip() else []
        for number in batch.too_long:
            self._refuse(number, "", f"The line is larger than {LINE_BYTES:,} bytes.")
        refused = [answer for answer in answers if answer.status != 202]
        for answer in refused:
            for fault in answer.errors:
                self._refuse(batch.first_line + answer.line - 1, fault["pointer"], fault["detail"])
        counted = {"accepted": len(answers) - len(refused), "refused": len(refused) + len(batch.too_long)}
        self._keeper.move(batch.text, lines=batch.lines, **counted)
        self._progress()

    def _refuse(self, line: int, pointer: str, detail: str) -> None:
        self._clear()
        self._out.write(f"line {line}\t{pointer or '-'}\t{detail}")

    def _progress(self) -> None:
        now = time.monotonic()
        if not self._bar and now - self._told_at < TOLD_SECONDS:
            return
        self._told_at = now
        if self._bar:
            share = self._keeper.position.offset / max(1, self._size)
            filled = "#" * round(BAR * share)
            self._err.write(f"\r\x1b[2K[{filled:<{BAR}}] {self._words(now)}", ending="")
            self._err.flush()
        else:
            self._err.write(self._words(now))

    def _words(self, now: float) -> str:
        here = self._keeper.position
        seconds = max(now - self._began, 0.001)
        speed = (here.offset - self._start) / seconds
        left = f", {in_words((self._size - here.offset) / speed)} left" if speed else ""
        share = 100 * here.offset // max(1, self._size)
        return f"{share} %, {here.accepted:,} orders, {here.refused:,} refused{left}"

    def _say(self, words: str) -> None:
        self._clear()
        self._err.write(words)

    def _clear(self) -> None:
        if self._bar:
            self._err.write("\r\x1b[2K", ending="")

    def _stopped(self) -> str:
        return f"Stopped before line {self._keeper.position.line:,}; the same command goes on from there."

    def _finish(self) -> None:
        self._clear()
        here = self._keeper.position
        self._keeper.done()
        took = in_words(time.monotonic() - self._began)
        self._out.write(f"{here.accepted:,} orders accepted, {here.refused:,} refused, {took}")
        if here.refused:
            raise CommandError(f"{here.refused:,} lines were refused, see above.", returncode=SOME_REFUSED)
