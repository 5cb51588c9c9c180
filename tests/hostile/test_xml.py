"""XML from outside costs little and asks nobody for anything; only one place reads it, and the mock beside it."""

from __future__ import annotations

import time

import pytest

from orderflow.simulator.imports import UnreadableImports, read_imports
from orderflow.site.xml_answers import Unreadable, root_of, text_of
from tests.hostile.test_bombs import highest_kib
from tests.hostile.tree import imports_of_modules

LEVELS = b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
LAUGHS = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + LEVELS + b"]>"
QUADRATIC = b'<!DOCTYPE a [<!ENTITY a "' + b"a" * 100_000 + b'">]>'
SECRET = "canary-in-a-file"

REFUSED = {
    "billion laughs": LAUGHS + b"<a>&j;</a>",
    "billion laughs in an attribute": LAUGHS + b'<a x="&j;"/>',
    "quadratic": QUADRATIC + b"<a>" + b"&a;" * 100_000 + b"</a>",
    "quadratic in an attribute": QUADRATIC + b'<a x="' + b"&a;" * 100_000 + b'"/>',
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file://%s">]><a>&x;</a>',
    "external entity, public": b'<!DOCTYPE a [<!ENTITY x PUBLIC "x" "file://%s">]><a>&x;</a>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY %% p SYSTEM "file://%s">%%p;]><a/>',
    "external DTD": b'<!DOCTYPE a SYSTEM "file://%s"><a/>',
    "an empty DTD": b"<!DOCTYPE a><a/>",
    "a DTD in UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-',
    "tags in UTF-7": b'<?xml version="1.0"' + b" " * 900 + b'encoding="UTF-7"?>+ADw-a+AD4-' + b"+ADw-b/+AD4-" * 100_000,
    "UTF-16": "<a/>".encode("utf-16"),
    "UTF-32": "<a/>".encode("utf-32"),
    "EBCDIC": '<?xml version="1.0" encoding="IBM037"?><a/>'.encode("cp037"),
    "many beginnings of a declaration": b"<?xml encoding" * 7_000 + b" " * 1_000_000 + b"?><a/>",
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?><a/>',
    "deep": b"<a>" * 3_000 + b"</a>" * 3_000,
    "wide": b"<a>" + b"<b/>" * 300_000 + b"</a>",
    "many instructions": b"<a>" + b"<?x y?>" * 200_000 + b"</a>",
    "many comments": b"<a>" + b"<!---->" * 200_000 + b"</a>",
    "larger than asked for": b"<a>" + b"x" * 3_000_000 + b"</a>",
    "a name without end": b"<" + b"a" * 1_800_000 + b"/>",
    "cut off": b"<a><b>",
    "binary": bytes(range(256)) * 4,
}
TAKEN = {
    "attributes": b"<a " + b" ".join(b'x%d="1"' % n for n in range(50_000)) + b"/>",
    "an attribute of a megabyte": b'<a x="' + b"x" * 1_000_000 + b'"/>',
    "character references": b"<a>" + b"&#65;" * 300_000 + b"</a>",
    "XInclude": b'<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="file://%s" parse="text"/></a>',
    "a stylesheet": b'<?xml-stylesheet href="http://127.0.0.1:1/x.xsl"?><a/>',
    "a schema": b'<a xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="http://127.0.0.1:1/ a"/>',
}
"""Harmless as they are read here: nothing is fetched, nothing included."""


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    return str(path).encode()


def pointing(document, path):
    return document.replace(b"%s", path).replace(b"%%", b"%")


def bounded(read, document):
    """What reading gives or raises, within 2 s of work and 64 MiB."""
    before, began = highest_kib(anew=True), time.process_time()
    try:
        return read(document)
    except (Unreadable, UnreadableImports) as refused:
        return refused
    finally:
        assert time.process_time() - began < 2
        assert highest_kib() - before < 65_536


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_answer_of_orderflow_has_is_refused_in_words(name, secret_file):
    refused = bounded(lambda body: root_of(body, items=100), pointing(REFUSED[name], secret_file))
    assert isinstance(refused, Unreadable), refused
    assert SECRET not in refused.text + refused.reason
    assert len(refused.reason) > 15


@pytest.mark.parametrize("name", TAKEN)
def test_what_points_elsewhere_is_not_followed(name, secret_file):
    root = bounded(lambda body: root_of(body, items=100), pointing(TAKEN[name], secret_file))
    assert SECRET not in text_of(root)


@pytest.mark.parametrize("name", {**REFUSED, **TAKEN})
def test_the_mock_reads_no_hostile_import_either(name, secret_file):
    document = pointing({**REFUSED, **TAKEN}[name], secret_file)
    assert isinstance(bounded(read_imports, document), UnreadableImports)


READERS = {"orderflow/site/xml_answers.py", "orderflow/simulator/imports.py"}
MODULES = {"lxml", "xml", "defusedxml", "xmltodict", "bs4", "html5lib"}
READING = {"fromstring", "parse", "XML", "XMLParser", "iterparse", "HTML", "HTMLParser", "XMLPullParser",
           "fromstringlist",            "parseString", "make_parser", "XSLT", "XInclude", "xinclude"}  # fmt: skip


def test_no_other_place_reads_xml():
    """A new one goes through ``orderflow.site.xml_answers.root_of``, or has its own row in these tables."""
    found = {path for path, (modules, names) in imports_of_modules().items() if modules & MODULES and names & READING}
    assert found == READERS
