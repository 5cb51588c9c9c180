"""Staff: who they are on the command line, their logins and roles."""

from __future__ import annotations

import getpass


def operator() -> str:
    """Who runs a command, for the history and the record of operator actions."""
    try:
        return f"{getpass.getuser()} on the command line"
    except (OSError, KeyError):
        return "the command line"
