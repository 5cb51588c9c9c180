"""Every static file that a template names is there: a wrong name is a page without its script or style."""

import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

NAMED = re.compile(r"""\{% static ['"]([^'"]+)['"] %\}""")
NAMES = sorted(
    {
        name
        for folder in settings.TEMPLATES[0]["DIRS"]
        for page in folder.rglob("*.html")
        for name in NAMED.findall(page.read_text())
    }
)


def test_templates_name_static_files():
    assert "orders/timeline.js" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_static_file_that_a_template_names_is_found(name):
    assert finders.find(name)
