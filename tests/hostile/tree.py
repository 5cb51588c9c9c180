"""The hub's own modules, parsed once for all tests that read them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@cache
def imports_of_modules():
    """{path: (modules imported, names used as attributes or imported)}"""
    found = {}
    for room in ("orders", "proxy", "suppliers", "orderflow", "config"):
        for path in (ROOT / room).rglob("*.py"):
            modules, names = set(), set()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    modules |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.Attribute):
                    names.add(node.attr)
            found[str(path.relative_to(ROOT))] = (modules | {name.partition(".")[0] for name in modules}, names)
    return found
