"""The schema's TypedDicts as a tree that can be walked beside a document: kinds, names, items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

from orders.documents.rules import Rule

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One place of the schema."""

    kind: str
    members: Mapping[str, Node] = field(default_factory=dict)
    item: Node | None = None

    def at(self, path: _Path) -> Node:
        """The node at a place of the document, which the schema knows."""
        node = self
        for part in path:
            below = node.item if isinstance(part, int) else node.members.get(part)
            if below is None:
                raise LookupError(f"the schema has no {path!r}")
            node = below
        return node

    def strangers(self, value: Any, path: _Path = ()) -> Iterator[tuple[_Path, Any]]:
        """Members of a valid document that the schema does not know, with their values."""
        if self.item is not None:
            for index, member in enumerate(value or ()):
                yield from self.item.strangers(member, (*path, index))
        elif self.members and value is not None:
            for name in value.keys() - self.members.keys():
                yield (*path, name), value[name]
            for name, node in self.members.items():
                if node.has_members and name in value:
                    yield from node.strangers(value[name], (*path, name))

    @property
    def has_members(self) -> bool:
        return self.item is not None or bool(self.members)


def node_of(shape: Any) -> Node:
    """The tree of a TypedDict."""
    origin, arguments = get_origin(shape), get_args(shape)
    rule = next((argument for argument in arguments if isinstance(argument, Rule)), None)
    if rule is not None:
        return Node(rule.kind)
    if origin in (NotRequired, Annotated, Union, UnionType):
        return node_of(arguments[0])
    if origin is list:
        return Node("array", item=node_of(arguments[0]))
    if not is_typeddict(shape):
        raise TypeError(f"{shape!r} has no place in a schema: give it a Rule")
    hints = get_type_hints(shape, include_extras=True)
    return Node("object", members={name: node_of(hint) for name, hint in hints.items()})
