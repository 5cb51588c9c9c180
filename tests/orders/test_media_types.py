import pytest

from orders.values.media_types import media_type


@pytest.mark.parametrize(
    ("header", "kind", "parameters"),
    [
        ("application/json", "application/json", {}),
        (" Application/JSON ;", "application/json", {}),
        ('application/json; profile="https://a.example/x;y"; Charset=UTF-8', "application/json",
         {"profile": "https://a.example/x;y", "charset": "UTF-8"}),
        (r'text/xml;charset="iso-8859-\1"', "text/xml", {"charset": "iso-8859-1"}),
        ('text/xml; note="; charset=utf-16"; charset = utf-8', "text/xml",
         {"note": "; charset=utf-16", "charset": "utf-8"}),
        ("text/xml; charset=a; charset=b", "text/xml", {"charset": "a"}),
        ("text/xml; ; no parameter; v=1", "text/xml", {"v": "1"}),
        ("", "", {}),
    ],
)  # fmt: skip
def test_a_content_type_has_a_type_and_parameters(header, kind, parameters):
    assert media_type(header) == (kind, parameters)
