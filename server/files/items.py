"""The lists of a row (e-mails, phones, websites, addresses), each item from its columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from server.files.cells import (
    CellFault,
    says_nothing,
    split_emails,
    split_joined,
    split_phones,
)
from server.files.fields import field_reader
from server.files.model import Faults
from server.files.paths import LISTS, FieldPath, parse_path

# Puts an item into the row's fields, from all of its values.
ItemReader = Callable[[list[str], dict[str, Any], Faults], None]

# What is one thing as it stands, so that there is nothing to take apart.
_SINGLE = {
    "emails": re.compile(r"[\w.+'%-]+@[\w.-]*\w"),
    "phones": re.compile(r"[+0-9(][0-9() -]*[0-9]"),
    "websites": re.compile(r"[^;,|\s<\\]+"),
}
# What Outlook has of colleagues in one Exchange organisation in place of their address.
_EXCHANGE = re.compile(r"/o=", re.I)
_SPLIT = {"emails": split_emails, "phones": split_phones, "websites": split_joined}
# Numbers that reach a machine or somebody else, and so never lead the list of phones.
_LAST = re.compile(r"fax|assistant|callback|isdn|pager|radio|telex|tty|faks|t[eé]l[eé]copie", re.I)
# A custom field that stands for a field of ours in a table that has no place for it.
OUR_LABEL = "Fieldbook "
# Each row that we write for Google has it.
OUR_MARK = "Fieldbook id"


def item_readers(
    columns: Sequence[tuple[int, FieldPath]], month_first: bool, exact: bool
) -> list[ItemReader]:
    """What reads each item of a table; columns of one slot are one item.

    `exact` is for what this server has written: nothing in a cell is taken apart.
    """
    readers: list[tuple[bool, ItemReader]] = []
    slots: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for index, path in columns:
        if path.field in LISTS and path.part:
            slots.setdefault((path.field, path.slot), []).append((index, path.part))
    for (field, slot), parts in slots.items():
        label = "" if slot.isdecimal() else slot
        labels = [index for index, part in parts if part == "label"]
        label_index = labels[0] if labels else None
        values = [index for index, part in parts if part == "value"]
        if field == "addresses":
            readers.append((False, _address(parts, label_index, label, exact)))
            continue
        for value_index in values:
            if field == "customs":
                readers.append((False, _custom(value_index, label_index, slot, month_first, exact)))
            else:
                late = field == "phones" and bool(_LAST.search(label))
                readers.append((late, _value(field, value_index, label_index, label, exact)))
    readers.sort(key=lambda reader: reader[0])
    return [reader for _, reader in readers]


def _value(
    field: str, value_index: int, label_index: int | None, label: str, exact: bool
) -> ItemReader:
    split = _SPLIT[field]
    labelled = {"label": label} if label else {}
    path = f"{field}.{label}" if label else field
    single = _SINGLE[field]
    # Google once wrote http\\://… into its files.
    escapes = field == "websites"

    def read(values: list[str], fields: dict[str, Any], faults: Faults) -> None:
        cell = values[value_index]
        if not cell:
            return
        if exact:
            own = values[label_index] if label_index is not None else label
            item = {"label": own, "value": cell} if own else {"value": cell}
            fields.setdefault(field, []).append(item)
            return
        if label_index is None and single.fullmatch(cell) and not says_nothing(cell):
            fields.setdefault(field, []).append({**labelled, "value": cell})
            return
        if says_nothing(cell):
            return
        if field == "emails" and _EXCHANGE.match(cell):
            _add_custom(fields, "Exchange address", cell)
            return
        try:
            found = split(cell.replace("\\:", ":") if escapes else cell)
        except CellFault as fault:
            faults.append((path, str(fault)))
            return
        labels = [label] if label_index is None else split_joined(values[label_index])
        add_items(fields, field, [{"value": value} for value in found], labels)

    return read


def add_items(
    fields: dict[str, Any], field: str, found: list[dict[str, str]], labels: list[str]
) -> None:
    """Append items with their labels; a label that begins with `*` puts its item first."""
    if not found:
        return
    items = fields.setdefault(field, [])
    first = 0
    for number, item in enumerate(found):
        # There is none where a cell holds only what joins them.
        label = labels[number] if len(labels) == len(found) else next(iter(labels), "")
        primary = label.startswith("*")
        if primary:
            label = label[1:].strip()
        whole = {"label": label, **item} if label else item
        if primary:
            items.insert(first, whole)
            first += 1
        else:
            items.append(whole)


def _address(
    parts: list[tuple[int, str]], label_index: int | None, label: str, exact: bool
) -> ItemReader:
    columns = [(index, part) for index, part in parts if part != "label"]
    labelled = {"label": label} if label and label_index is None else {}

    def read(values: list[str], fields: dict[str, Any], faults: Faults) -> None:
        filled = [(part, values[index]) for index, part in columns if values[index]]
        if not filled:
            return
        if label_index is None:
            item = labelled | _whole(filled)
            fields.setdefault("addresses", []).append(item)
            return
        given = values[label_index]
        if exact:
            item = {"label": given, **_whole(filled)} if given else _whole(filled)
            fields.setdefault("addresses", []).append(item)
            return
        # A column of labels is Google's, and so are several addresses in one.
        several = any(":::" in value for _, value in filled)
        found = _several_addresses(filled) if several else [_whole(filled)]
        add_items(fields, "addresses", [item for item in found if item], split_joined(given))

    return read


def _several_addresses(filled: list[tuple[str, str]]) -> list[dict[str, str]]:
    """The addresses that ` ::: ` joins, part by part."""
    split = [(part, [piece.strip() for piece in value.split(":::")]) for part, value in filled]
    count = max(len(pieces) for _, pieces in split)
    return [
        _whole([(part, pieces[n]) for part, pieces in split if n < len(pieces) and pieces[n]])
        for n in range(count)
    ]


def _whole(filled: list[tuple[str, str]]) -> dict[str, str]:
    address = dict(filled)
    if len(address) < len(filled):
        address = {
            part: "\n".join(value for name, value in filled if name == part) for part in address
        }
    if "formatted" in address:
        formatted = address.pop("formatted")
        return address or {"street": formatted}
    return address


def _custom(
    value_index: int, label_index: int | None, slot: str, month_first: bool, exact: bool
) -> ItemReader:
    def read(values: list[str], fields: dict[str, Any], faults: Faults) -> None:
        cell = values[value_index]
        if not cell:
            return
        name = values[label_index] if label_index is not None else ""
        # Google's mark of the primary one; in a name of ours it is a letter.
        name = (name if exact else name.lstrip("*").strip()) or slot
        ours = parse_path(name.removeprefix(OUR_LABEL)) if name.startswith(OUR_LABEL) else None
        if ours is not None and not ours.part:
            try:
                # "own", since such a cell is written as our own CSV has it.
                field_reader(ours, "own", month_first, name)(cell, fields)
            except CellFault as fault:
                faults.append((name.removeprefix(OUR_LABEL), str(fault)))
            return
        _add_custom(fields, name, cell)

    return read


def _add_custom(fields: dict[str, Any], name: str, text: str) -> None:
    custom = fields.setdefault("custom", {})
    custom[name] = f"{custom[name]}, {text}" if name in custom else text
