"""In which encoding an answer of OrderFlow is read (RFC 7303, section 3)."""

import pytest

from orderflow.site.reports import ImportReport, import_report
from orderflow.site.xml_answers import Unreadable, as_utf_8, root_of

RESULT = (
    '<importResult><importSuccesses><import type="order" operation="insert" externalReference="{}" entity="1"/>'
    "</importSuccesses></importResult>"
)


def declared(name):
    return f'<?xml version="1.0" encoding="{name}"?>' if name else ""


@pytest.mark.parametrize(
    ("written", "declaration", "header"),
    [
        ("utf-8", "", ""),
        ("utf-8", "", "charset=utf-8"),
        ("utf-8", "", 'charset="UTF8"'),
        ("utf-8", "iso-8859-1", "charset=utf-8"),
        ("utf-8-sig", "", ""),
        ("utf-8-sig", "", "charset=ISO-8859-1"),
        ("utf-8-sig", "iso-8859-1", ""),
        ("iso-8859-1", "", "charset=ISO-8859-1"),
        ("iso-8859-1", "UTF-8", "charset=ISO-8859-1"),
        ("iso-8859-1", "ISO-8859-1", ""),
        ("iso-8859-15", "", "charset=iso-8859-15; x=y"),
        ("windows-1252", "", "charset=windows-1252"),
        ("windows-1252", "windows-1252", ""),
        ("utf-16", "", ""),
        ("utf-16", "utf-16", "charset=utf-16"),
        ("utf-16-le", "utf-16", "charset=utf-16le"),
        ("utf-8", "", "charset=klingon"),
        ("utf-8", "", "charset=zip"),
    ],
)
@pytest.mark.parametrize("kind", ["text/xml", "application/xml"])
def test_mark_then_header_then_declaration_decide(written, declaration, header, kind):
    body = (declared(declaration) + RESULT.format("køb-1")).encode(written)
    report = import_report(200, as_utf_8(body, f"{kind}; {header}"), items=1)
    assert isinstance(report, ImportReport)
    assert report.successes == {("order", "køb-1")}


def test_bytes_that_are_none_of_the_stated_charset_are_left_to_the_parser():
    body = RESULT.format("køb").encode("iso-8859-1")
    assert as_utf_8(body, "text/xml; charset=utf-8") == body
    with pytest.raises(Unreadable):
        root_of(body)
