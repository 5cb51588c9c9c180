"""The user that servers run as: PostgreSQL refuses root, and no test server needs to be root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """Who servers run as; `switch` is false when the present user is unprivileged already."""

    uid: int
    gid: int
    switch: bool

    def popen_arguments(self) -> dict[str, object]:
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, path: Path) -> bool:
        """Whether this user can enter every folder above `path`, and read it; links are followed."""
        return not self.switch or all(self._may(folder, 0o5) for folder in [path.resolve(), *path.resolve().parents])

    def _may(self, path: Path, wanted: int) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            return (found.st_mode >> 6) & wanted == wanted
        if found.st_gid == self.gid:
            return (found.st_mode >> 3) & wanted == wanted
        return found.st_mode & wanted == wanted


def unprivileged_account() -> Account:
    """The present user, or for root one of the users that every system has."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), switch=False)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
    raise RuntimeError("PostgreSQL refuses to run as root and this machine has neither a user postgres nor nobody.")
