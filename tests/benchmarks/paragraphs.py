"""Markdown whose paragraphs are filled anew: figures of any length leave no ragged lines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

WIDTH = 118
_ALONE = re.compile(r"[#|!]|$")
_BULLET = re.compile(r"(\* |\d+\. )")


def filled(lines: Sequence[str]) -> str:
    """Lines that belong to one paragraph or bullet are joined and broken at WIDTH; tables and headings stay."""
    blocks: list[str] = []
    for line in lines:
        joins = blocks and not _ALONE.match(line) and not _BULLET.match(line) and not _ALONE.match(blocks[-1])
        if joins:
            blocks[-1] += " " + line.strip()
        else:
            blocks.append(line)
    return "\n".join(_broken(block) for block in blocks) + "\n"


def _broken(block: str) -> str:
    if _ALONE.match(block):
        return block
    bullet = _BULLET.match(block)
    indent = " " * len(bullet[1]) if bullet else ""
    return textwrap.fill(block, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
