"""The documents lead somewhere: every link, and every page and heading that the code cites."""

import ast
import os
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PARTS = ("config", "orders", "proxy", "suppliers", "orderflow", "templates", "tests", "deploy", ".ci")
SOURCES = [path for part in PARTS for path in sorted((ROOT / part).rglob("*")) if path.is_file()]
READ = {".py", ".html", ".conf", ".yml", ".yaml", ".toml", ""}
CITED = re.compile(r"\bdocs/[\w./-]*\w(?:#[\w-]+)?")
PAPER = re.compile(r"(?<![\w./-])(?:contract|design|engine|console|scalepoint|customer-order)\.md\b|\bdomain/[\w-]+")
PAPER_IN_WORDS = re.compile(r"\bContract[,:]|\((?:contract|design|console|engine)[:,)]|\b(?:domain file|scalepoint)\b")


def links(document):
    found = LINK.findall(FENCED.sub("", document.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(document):
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def citations(text):
    """Paths of documents in a source, with the anchor; a pattern that matches one counts as its path."""
    return CITED.findall(text.replace("\\.", "."))


def leads_somewhere(cited):
    path, _, anchor = cited.partition("#")
    there = ROOT / path
    if re.fullmatch(r"docs/design/decisions/\d{4}", path):
        return any((ROOT / "docs/design/decisions").glob(f"{path.rpartition('/')[2]}-*.md"))
    return there.exists() and (not anchor or anchor in anchors(there))


def prose(path):
    """Docstrings and comments of a module, each with its line."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    lost = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        there = (document.parent / path).resolve() if path else document
        if not there.exists() or (anchor and anchor not in anchors(there)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize(
    ("program", "written"),
    [
        ("tests/benchmarks/__main__.py", "docs/measured/benchmarks.md"),
        ("tests/benchmarks/sizes_page.py", "docs/measured/scaling.md"),
        ("tests/benchmarks/soak_page.py", "docs/measured/soak.md"),
        ("tests/chaos/report.py", "docs/measured/reliability.md"),
    ],
)
def test_every_link_that_a_program_writes_leads_somewhere(program, written):
    text, page = (ROOT / program).read_text(), ROOT / written
    assert page.is_file()
    assert written in text
    found = [link for link in LINK.findall(text) if "." in link and "{" not in link]
    assert [link for link in found if not leads_somewhere(os.path.relpath(page.parent / link, ROOT))] == []


def test_every_document_is_linked_from_another():
    linked = {
        (document.parent / link.partition("#")[0]).resolve() for document in DOCUMENTS for link in links(document)
    }
    lone = [
        str(one.relative_to(ROOT))
        for one in DOCUMENTS
        if one.resolve() not in linked and one.parent.resolve() not in linked and one.name != "README.md"
    ]
    assert lone == []


def test_every_document_that_the_code_cites_is_there_with_its_heading():
    sources = [*(path for path in SOURCES if path.suffix in READ), ROOT / "Makefile", ROOT / "pyproject.toml"]
    lost = [
        f"{path.relative_to(ROOT)}: {cited}"
        for path in sources
        if path.resolve() != Path(__file__).resolve()
        for cited in citations(path.read_text())
        if not leads_somewhere(cited)
    ]
    assert lost == []


def test_no_code_cites_a_paper_that_is_not_in_the_tree():
    lost = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0][:80]}"
        for path in SOURCES
        if path.suffix == ".py" and path.resolve() != Path(__file__).resolve()
        for line, text in prose(path)
        if PAPER.search(re.sub(CITED, "", text)) or PAPER_IN_WORDS.search(text)
    ]
    assert lost == []


@pytest.mark.parametrize(
    "text",
    [
        "the table (contract.md section 3)",
        "as in domain/orderflow.md section 2",
        "Contract: HTTP API.",
        "a lane (design: Outbox)",
        "scalepoint.md section 4",
        "one colour (console: Words and marks)",
    ],
)
def test_a_citation_of_a_paper_is_recognized(text):
    assert PAPER.search(text) or PAPER_IN_WORDS.search(text)


def test_a_citation_is_followed_to_its_heading():
    assert leads_somewhere("docs/reference/api.md#modes")
    assert not leads_somewhere("docs/reference/api.md#no-such-heading")
    assert not leads_somewhere("docs/reference/no-such-page.md")
