"""Commands whose positional arguments may stand before, between and after their options."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class FreeOrderCommand(BaseCommand):
    """argparse itself takes ``retry --tenant acme ID`` for a mistake: the ids would have to come first."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]
        return parser
