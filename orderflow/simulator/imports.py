"""How the simulated OrderFlow site reads an ``<imports>`` document (docs/reference/orderflow.md#import-documents).

Written from that page alone and sharing nothing with the hub's own documents, so that both can be wrong only
one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree


class UnreadableImports(Exception):
    """The body is no ``<imports>`` document."""


class ImportRefused(Exception):
    """One import fails; the message is what OrderFlow writes into ``failureMessage``."""


class DuplicateEntity(ImportRefused):
    """The reference is taken."""


@dataclass(frozen=True, slots=True)
class Import:
    """One ``<import>`` element; ``lines`` is its text, still to be read."""

    type: str
    operation: str
    reference: str
    lines: str

    def properties(self) -> dict[str, str]:
        """Name to value, ``[BR]`` as a line break. Raises ImportRefused for a line without ``=``."""
        found = {}
        for line in _unfolded(self.lines):
            name, equals, value = line.partition("=")
            if not equals:
                raise ImportRefused(f"Expecting name=value in line: {line[:80]}")
            found[name.strip()] = value.replace("[BR]", "\n")
        return found


def read_imports(body: bytes) -> list[Import]:
    """Raises UnreadableImports: not XML, a DOCTYPE, another root."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableImports(str(error)) from None
    if root.getroottree().docinfo.internalDTD is not None or root.tag != "imports":
        raise UnreadableImports(f"the root is {root.tag}")
    return [_import(element) for element in root.iterfind("import")]


def _import(element: etree._Element) -> Import:
    get = element.get
    return Import(
        get("type", ""), get("operation", ""), get("externalReference", ""), "".join(str(t) for t in element.itertext())
    )


def _unfolded(text: str) -> Iterator[str]:
    """Lines without leading blanks; a backslash at the end of one joins it with the next."""
    pending = ""
    for raw in text.split("\n"):
        line = pending + raw.lstrip(" \t")
        pending = ""
        if (len(line) - len(line.rstrip("\\"))) % 2:
            pending = line[:-1]
        elif line.strip():
            yield line
    if pending.strip():
        yield pending
