"""A catalogue as a spreadsheet: what goes out comes back, what is hostile costs little."""

import csv
import io
import time
import tracemalloc
import zipfile

import openpyxl
import pytest

from orderflow.catalogue.products import put_products
from orderflow.catalogue.spreadsheet_import import Refused, Stored, take_file
from orderflow.catalogue.spreadsheets import COLUMNS, HEAD, ROWS, Unusable, read, written
from orderflow.models import OrderFlowChannel, Product
from orders.models import Delivery, Tenant

pytestmark = pytest.mark.django_db
FORMS = ["csv", "xlsx"]
ODD = {
    "A": {"description": "=HYPERLINK(\"http://x.example.com\")", "colour": "@red", "weight": "-5"},
    "B": {"description": "two\nlines, and \"quotes\"", "size": "+44", "userDefined1": "'quoted'", "category": "-"},
    "C": {"description": "Grüne Bohnen 🫘", "barcode": "0012", "priceNet": "10.50"},
}  # fmt: skip


def take(data, form, *, trial=False):
    return take_file(data, form, channels=OrderFlowChannel.objects.all(), trial=trial)


def exported(form):
    return written(Product.objects.select_related("channel__destination__tenant").order_by("sku"), form)


def cells(data, form):
    if form == "csv":
        return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    return [[cell or "" for cell in row] for row in rows]


def sheet(*rows, form="csv"):
    if form == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()
    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(data)
    return data.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_an_export_imported_again_changes_nothing(add_channel, form):
    put_products(add_channel(), ODD)
    before = list(Product.objects.order_by("sku").values_list("sku", "properties"))
    assert take(exported(form), form) == Stored(rows=3, new=0, changed=0)
    assert list(Product.objects.order_by("sku").values_list("sku", "properties")) == before
    Product.objects.all().delete()


@pytest.mark.parametrize("form", FORMS)
def test_an_export_makes_the_same_catalogue_elsewhere(add_channel, form):
    put_products(add_channel(), ODD)
    data = exported(form)
    before = list(Product.objects.order_by("sku").values_list("sku", "properties"))
    Product.objects.all().delete()
    assert take(data, form) == Stored(rows=3, new=3, changed=0)
    assert list(Product.objects.order_by("sku").values_list("sku", "properties")) == before


@pytest.mark.parametrize("form", FORMS)
def test_no_exported_cell_begins_as_a_formula_does(add_channel, form):
    put_products(add_channel(), ODD)
    head, *rows = cells(exported(form), form)
    assert tuple(head) == HEAD
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert rows[0][head.index("colour")] == "'@red"


@pytest.mark.parametrize("form", FORMS)
def test_a_file_changes_what_it_names_and_keeps_the_columns_it_lacks(add_channel, form):
    put_products(add_channel(), {"A": {"description": "Green", "weight": "5", "colour": "red"}})
    rows = [["channel", "sku", "description", "colour"], ["acme/main", "A", "Blue", ""], ["acme/main", "N", "New", "x"]]
    data = sheet(*rows, form=form)
    assert take(data, form, trial=True) == Stored(rows=2, new=1, changed=1)
    assert Product.objects.get().properties["description"] == "Green"
    assert take(data, form) == Stored(rows=2, new=1, changed=1)
    told = {"externalReference": "A", "description": "Blue", "weight": "5"}
    assert Product.objects.get(sku="A").properties == told
    assert Delivery.objects.filter(kind="product").count() == 3


def test_numbers_and_switches_of_a_workbook_are_read_as_a_person_sees_them(add_channel):
    add_channel()
    head = ["channel", "sku", "description", "weight", "priceNet", "quantityOnOrder", "activated"]
    take(sheet(head, ["acme/main", 12, "d", 1.0, 0.1, 0, False], form="xlsx"), "xlsx")
    stored = Product.objects.get(sku="12").properties
    told = {"weight": "1", "priceNet": "0.1", "quantityOnOrder": "0", "activated": "false"}
    assert {name: stored[name] for name in head[3:]} == told


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig"])
def test_a_file_of_any_spreadsheet_program_is_read(add_channel, separator, first, mark):
    """European ones write semicolons between the cells, and a comma in numbers."""
    add_channel()
    rows = [
        ["channel", "sku", "description", "priceGross", "weight", "category"],
        ["acme/main", "A", "Beans, green; 5 kg", "19,95", "-0,5", "1,5"],
    ]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    data = (first.format(separator) + text.getvalue()).encode(mark)
    if separator == ",":
        with pytest.raises(Refused):  # where the comma parts the cells, it stands in no number
            take(data, "csv")
        return
    take(data, "csv")
    stored = Product.objects.get(sku="A").properties
    told = {"description": "Beans, green; 5 kg", "priceGross": "19.95", "weight": "-0.5", "category": "1,5"}
    assert {name: stored[name] for name in told} == told


def test_every_fault_is_reported_with_row_and_column_and_nothing_is_stored(add_channel):
    add_channel()
    rows = [
        ["channel", "sku", "description", "weight"],
        ["acme/main", "A", "good", "1"],
        ["acme/main", "B", "", "1,5"],
        ["acme/main", "A", "twice", ""],
        ["bolt/main", "C", "another's", ""],
    ]
    with pytest.raises(Refused) as refused:
        take(sheet(*rows), "csv")
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [
        (3, "weight"), (3, "description"), (4, "sku"), (0, "channel"),
    ]  # fmt: skip
    assert not Product.objects.exists()


def test_another_tenants_channel_is_not_written_to(add_channel):
    add_channel(of=Tenant.objects.create(slug="bolt", name="Bolt", mode="events"))
    own = OrderFlowChannel.objects.filter(destination__tenant__slug="acme")
    with pytest.raises(Refused):
        take_file(sheet(["channel", "sku", "description"], ["bolt/main", "A", "d"]), "csv", channels=own, trial=False)
    assert not Product.objects.exists()


def bomb(part="xl/worksheets/sheet1.xml", content=b" " * 60_000_000):
    data = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sheet(["channel"], form="xlsx"))) as whole,
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in whole.namelist():
            packed.writestr(name, content if name == part else whole.read(name))
    return data.getvalue()


def far():
    """One cell at the far corner: read naively it is seventeen billion cells."""
    rows = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    return bomb(content=head + rows + b"</sheetData></worksheet>")


HOSTILE = {
    "a zip bomb": lambda: (bomb(), "xlsx"),
    "a far cell": lambda: (far(), "xlsx"),
    "an entity bomb": lambda: (bomb(content=b'<!DOCTYPE a [<!ENTITY b "x">]><a>&b;</a>'), "xlsx"),
    "many rows": lambda: (b"channel,sku,description\n" + b"a/b,c,d\n" * (ROWS + 1), "csv"),
    "many columns": lambda: (b",".join([b"x"] * (COLUMNS + 1)), "csv"),
    "not a workbook": lambda: (b"PK\x03\x04 but no more", "xlsx"),
    "not text": lambda: (b"\xff\xfe\x00", "csv"),
    "nothing": lambda: (b"", "csv"),
    "large": lambda: (b"x" * (5 * 1024 * 1024 + 1), "csv"),
    "a long row": lambda: (b"channel,sku,description\na,b,c,d\n", "csv"),
    "a strange column": lambda: (b"channel,sku,description,prize\na,b,c,d\n", "csv"),
    "a column twice": lambda: (b"channel,sku,description,sku\na,b,c,d\n", "csv"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_little_cost(name):
    data, form = HOSTILE[name]()
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(Unusable):
        read(data, form)
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 5
    assert peak < 150_000_000
