"""Chromium for the browser tests: found on the machine, never downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Without these a Chromium started by root refuses, and one without a network asks for its maker's hosts."""


def find_chromium() -> str | None:
    """Its path; HUB_TEST_CHROMIUM names another, or with `none` asks for a run without."""
    wanted = os.environ.get("HUB_TEST_CHROMIUM")
    if wanted:
        return shutil.which(wanted)
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


def describe_chromium() -> str:
    path = find_chromium()
    if path is None:
        return "Chromium not found: browser tests are left out (Debian's package chromium brings it)"
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    return f"{' '.join(said.split()[:2])} ({path})"


def sign_in(page, name, password):
    """On the login page, which is open."""
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit], input[type=submit]")
    page.wait_for_load_state("networkidle")
