"""Read YAML 1.2 (JSON is YAML) into plain values, with the line of every key.

Values are built from the parsed nodes here, so tags can create only text, numbers, true, false, null, lists and
objects, and words like ``no`` stay text. Size, depth and the expansion of aliases are limited.
The library's own loaders lose the lines, without which a message could not say where a wrong key stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from orders.integrations.onboarding_faults import FileFault, FileRefused
from orders.integrations.onboarding_report import Place

BYTES_MOST = 4 * 1024 * 1024
"""Some ten thousand products; a larger file must be split."""
NODES_MOST = 500_000
"""Values after aliases are expanded: nested aliases could otherwise fill the memory."""
DEPTH_MOST = 50
"""The format itself is 8 deep."""

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?[0-9]+\Z")
_FRACTION = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z")
_DIGITS_MOST = 100


@dataclass(slots=True)
class Text:
    """A file's values and the line of each key and list item."""

    file: str
    data: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of the place, or of its nearest parent in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def fault(self, place: Place, because: str) -> FileFault:
        return FileFault(self.file, self.line(place), place, because)


def read(content: bytes, *, file: str) -> Text:
    """Parse one YAML document. Raises FileRefused."""
    if len(content) > BYTES_MOST:
        raise FileRefused(file, [FileFault(file, 1, (), f"is larger than {BYTES_MOST} bytes; split it by tenant")])
    try:
        root = YAML(typ="safe", pure=True).compose(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileRefused(file, [FileFault(file, line, (), "is not UTF-8 text")]) from None
    except MarkedYAMLError as error:
        raise FileRefused(file, [_unreadable(file, error)]) from None
    except (YAMLError, RecursionError, ValueError) as error:
        words = "is nested too deeply" if isinstance(error, RecursionError) else f"is no YAML: {error}"
        raise FileRefused(file, [FileFault(file, 1, (), words)]) from None
    if root is None:
        raise FileRefused(file, [FileFault(file, 1, (), "is empty; it needs the key tenants")])
    return _Maker(file).text(root)


def _unreadable(file: str, error: MarkedYAMLError) -> FileFault:
    mark = error.problem_mark or error.context_mark
    words = " ".join(str(part) for part in (error.context, error.problem) if part)
    return FileFault(file, mark.line + 1 if mark else 1, (), f"is no YAML: {words}")


class _TooMuch(Exception):
    """The values are more, or deeper, than any onboarding file's."""


@dataclass(slots=True)
class _Maker:
    file: str
    faults: list[FileFault] = field(default_factory=list)
    lines: dict[Place, int] = field(default_factory=dict)
    nodes: int = 0

    def text(self, root: Node) -> Text:
        try:
            data = self.value(root, ())
        except _TooMuch as error:
            self.faults.append(FileFault(self.file, 1, (), str(error)))
        if self.faults:
            raise FileRefused(self.file, self.faults)
        return Text(self.file, data, self.lines)

    def value(self, node: Node, place: Place) -> Any:
        self.nodes += 1
        if self.nodes > NODES_MOST or len(place) > DEPTH_MOST:
            raise _TooMuch("holds too much, or is nested too deeply (look at its anchors and aliases)")
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return dict(self.members(node, place))
        if isinstance(node, SequenceNode):
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)  # noqa: S101  # the third and last kind of node
        return self.scalar(node, place)

    def members(self, node: MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.fault(key, place, "has a key that is no text")
                continue
            below = (*place, key.value)
            if key.value in seen:
                self.fault(key, below, "is in this object twice")
            seen.add(key.value)
            self.lines.setdefault(below, key.start_mark.line + 1)
            yield key.value, self.value(value, below)

    def scalar(self, node: ScalarNode, place: Place) -> Any:
        text, kind = node.value, str(node.tag).removeprefix(_TAG)
        if node.style is not None and not str(node.tag).startswith("!"):
            return text
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" | "float" if len(text) <= _DIGITS_MOST:
                return self.number(text)
            case "str" | "int" | "float" | "timestamp" | "merge" | "value":
                return text
        self.fault(node, place, f"has the tag {node.tag}; the file holds plain values only")
        return None

    def number(self, text: str) -> int | float | str:
        """Octal, sexagesimal, infinite and the like stay text, which no key takes for a number."""
        if _WHOLE.match(text):
            return int(text)
        return float(text) if _FRACTION.match(text) else text

    def fault(self, node: Node, place: Place, because: str) -> None:
        self.faults.append(FileFault(self.file, node.start_mark.line + 1, place, because))
