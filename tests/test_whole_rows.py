"""A stored row is written by its changed columns: ``save()`` writes all of them, also what others changed meanwhile."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = ("config", "orders", "proxy", "suppliers", "orderflow")
NOT_ROWS = {
    "orders/outbox/planning.py: Plan.write: planner.save()": "No row; it names the columns of its rows.",
}
NEW_ROWS = {
    "orders/retention/erasure/one_order.py: erase_order: note.save(force_insert=True)": "The note is new.",
    "orders/access/clients.py: save_client: client.save()": "Only where the client was just made.",
    "orders/admin/base.py: HubAdmin.save_model: super().save_model(request, obj, form, change)": (
        "Only where the form adds a row."
    ),
    "orders/admin/staff/staff.py: StaffAdmin.save_model: super().save_model(request, obj, form, change)": (
        "Reaches HubAdmin.save_model."
    ),
    "orders/admin/alerts.py: AlertRuleAdmin.save_model: super().save_model(request, obj, form, change)": (
        "Reaches HubAdmin.save_model."
    ),
}
ALLOWED = NOT_ROWS | NEW_ROWS
"""Where a call may name no columns, and why."""


def calls(tree, path):
    """Every call that may write a whole row, as ``file: function: call``."""

    def walk(node, place):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            place = (*place, node.name)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = {keyword.arg for keyword in node.keywords}
            if node.func.attr in ("save", "save_model") and "update_fields" not in named:
                yield f"{path}: {'.'.join(place)}: {ast.unparse(node)}"
        for below in ast.iter_child_nodes(node):
            yield from walk(below, place)

    return list(walk(tree, ()))


def found():
    return {
        call
        for app in CODE
        for file in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in file.parts
        for call in calls(ast.parse(file.read_text()), file.relative_to(ROOT).as_posix())
    }


def test_no_stored_row_is_written_as_a_whole():
    assert found() - set(ALLOWED) == set(), "name the columns (update_fields), or say in ALLOWED why all are written"


def test_what_is_allowed_is_still_there():
    assert set(ALLOWED) - found() == set()


def test_a_call_without_columns_is_found():
    text = "class A:\n    def b(self, row):\n        row.save()\n        row.save(update_fields=['c'])\n"
    assert calls(ast.parse(text), "a.py") == ["a.py: A.b: row.save()"]
