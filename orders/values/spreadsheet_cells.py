"""Texts as cells of a spreadsheet that nothing is reckoned with: behind an apostrophe where a program might."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a cell for a formula; the last four are the wide forms, which some take alike."""


def guarded(text: str) -> str:
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def bare(cell: str) -> str:
    """As ``guarded`` was given it, so that a file that went out can come in."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell
