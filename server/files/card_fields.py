"""What the properties of a card say of its contact."""

from __future__ import annotations

import re
from collections.abc import Callable, Container

from server.files.card_extras import (
    NAMES,
    OTHER_NAMES,
    SYSTEM_LABELS,
    TECHNICAL,
    android_extra,
    apple_label,
    labelled_extra,
    phone_label,
    type_label,
)
from server.files.cells import CellFault, refuse_ruined
from server.files.dates import read_birthday
from server.files.fields import field_reader, split_name
from server.files.items import add_items
from server.files.mapping import custom_path
from server.files.model import FileRow
from server.files.paths import parse_path
from server.files.vcard_properties import Property, split_raw, split_value, unescaped

_PATHS = {
    "N": "name",
    "FN": "name",
    "ORG": "company",
    "TITLE": "job_title",
    "ROLE": "job_title",
    "TEL": "phones",
    "EMAIL": "emails",
    "ADR": "addresses",
    "LABEL": None,
    "URL": "websites",
    "BDAY": "birthday",
    "NOTE": "notes",
    "CATEGORIES": "tags",
    "UID": "external_id",
    "NICKNAME": "custom.Nickname",
    "ANNIVERSARY": "custom.Anniversary",
    "X-GROUP-MEMBERSHIP": "tags",
    "X-MS-TEL": "phones",
    # Their name is in a label.
    **{name: f"customs.{usual}.value" for name, usual in NAMES.items()},
    "X-ANDROID-CUSTOM": "customs.Android.value",
    **{name: f"custom.{usual}" for name, usual in OTHER_NAMES.items()},
}
_URI_EXTENSION = re.compile(r";ext=([0-9]+)", re.IGNORECASE)
_URI_REST = re.compile(r";.*", re.DOTALL)
# Nobody's year of birth: Apple's programs write it where the year is not known.
_NO_YEAR = re.compile(r"1604-?([0-9]{2})-?([0-9]{2})")
# What the standard allows as well, but is no day.
_PARTS_OF_A_DATE = re.compile(
    r"[0-9]{4}(?:-(?:0[1-9]|1[0-2]))?|--(?:0[1-9]|1[0-2])|---(?:[0-2][0-9]|3[01])"
)
_CALLED = ("emails", "phones")
_OURS = "X-FIELDBOOK-"


def default_path(name: str) -> str | None:
    """The field that a property goes to, if the admin does not send it elsewhere."""
    return _PATHS[name] if name in _PATHS else custom_path(name)


class CardReader:
    """Reads one card's properties into a row."""

    def __init__(self, row: FileRow, properties: list[Property], month_first: bool) -> None:
        self._row = row
        self._month_first = month_first
        self._fields = row.fields
        self._properties = properties
        self._labels = {
            each.group: apple_label(unescaped(each.value))
            for each in properties
            if each.name == "X-ABLABEL" and each.group
        }
        self._whole_name = ""
        self._ours = any(each.name.startswith(_OURS) for each in properties)

    def read(self, left_out: Container[str]) -> None:
        """Put all but the properties `left_out` into the row; its faults, too."""
        for each in self._properties:
            if each.name in left_out or not each.value.strip():
                continue
            try:
                self._take(each)
            except CellFault as fault:
                self._row.faults.append((_PATHS.get(each.name) or each.name, str(fault)))
        if "first_name" in self._fields or "last_name" in self._fields:
            return
        # FN must be there, so a company or an address stands in for a name that is not.
        stand_ins = [self._fields.get("company")]
        stand_ins += [item["value"] for name in _CALLED for item in self._fields.get(name, ())]
        if self._whole_name and self._whole_name not in stand_ins:
            first, last = split_name(self._whole_name)
            self._fields |= {"first_name": first} if first else {}
            self._fields |= {"last_name": last} if last else {}

    def _take(self, each: Property) -> None:
        reader = _READERS.get(each.name)
        if reader is not None:
            reader(self, each)
        elif each.name.startswith(_OURS):
            self._take_ours(each)
        elif each.parameters.get("ENCODING", "").upper() in ("B", "BASE64"):
            # Some file that a program keeps in the card.
            return
        elif each.name not in TECHNICAL:
            name = _PATHS.get(each.name) or f"custom.{each.name}"
            self._add_custom(name.removeprefix("custom."), unescaped(each.value).strip())
        elif each.value.strip().lower() == "group" and each.name.endswith("KIND"):
            raise CellFault(
                "This card is a group of contacts, and none itself. Its members are imported "
                "without it: give them a tag of its name afterwards."
            )

    def _add_custom(self, name: str, value: str) -> None:
        custom = self._fields.setdefault("custom", {})
        custom[name] = f"{custom[name]}, {value}" if name in custom else value

    def _set(self, field: str, text: str, name: str) -> None:
        """Fills a field of one text; what else a card has for it stays under a name of its own."""
        if text and self._fields.setdefault(field, text) != text:
            self._add_custom(name, text)

    def _take_ours(self, each: Property) -> None:
        """A field of ours that vCard has no property for; the value is as in our own CSV."""
        name = each.name.removeprefix(_OURS)
        value = unescaped(each.value).strip()
        path = name.lower().replace("-", "_")
        if path.startswith("preferences_"):
            path = path.replace("_", ".", 1)
        if path == "custom":
            key, *values = split_value(each.value, ";")
            path, value = f"custom.{key}", ";".join(values)
        parsed = parse_path(path)
        if parsed is None:
            raise CellFault(f"{each.name} is no property that this server writes.")
        field_reader(parsed, "own", False, path)(value, self._fields)

    def _structured_name(self, each: Property) -> None:
        # A comma parts several names of one kind, unless it is escaped.
        parts = [" ".join(split_value(p, ",")).strip() for p in split_raw(each.value, ";")]
        last, first, middle, prefix, suffix = [*parts, *[""] * 5][:5]
        first = f"{first} {middle}".strip()
        self._fields |= {"first_name": first} if first else {}
        self._fields |= {"last_name": last} if last else {}
        for name, value in (("Name Prefix", prefix), ("Name Suffix", suffix)):
            if value:
                self._add_custom(name, value)

    def _formatted_name(self, each: Property) -> None:
        self._whole_name = self._whole_name or unescaped(each.value).strip()

    def _organisation(self, each: Property) -> None:
        company, *units = split_value(each.value, ";")
        self._set("company", company, "Company")
        self._set("department", ", ".join(unit for unit in units if unit), "Department")

    def _title(self, each: Property) -> None:
        text = unescaped(each.value).strip()
        if each.name == "TITLE" or not any(p.name == "TITLE" and p.value for p in self._properties):
            self._set("job_title", text, "Job Title")
        else:
            self._add_custom("Role", text)

    def _note(self, each: Property) -> None:
        text = unescaped(each.value).strip()
        self._fields["notes"] = (
            f"{self._fields['notes']}\n{text}" if "notes" in self._fields else text
        )

    def _birthday(self, each: Property) -> None:
        text = unescaped(each.value).strip()
        text = text if self._ours else _NO_YEAR.sub(r"--\1-\2", text)
        if _PARTS_OF_A_DATE.fullmatch(text) or each.parameters.get("VALUE", "").lower() == "text":
            self._add_custom("Birthday", text)
            return
        birthday = read_birthday(text, self._month_first)
        self._fields |= {"birthday": birthday} if birthday else {}

    def _categories(self, each: Property) -> None:
        names = [name for name in split_value(each.value, ",") if name]
        if not self._ours:
            names = [name for name in names if name.casefold() not in SYSTEM_LABELS]
        if not names:
            return
        self._fields["tags"] = list(dict.fromkeys((*self._fields.get("tags", ()), *names)))

    def _labelled(self, each: Property) -> None:
        extra = labelled_extra(each, self._labels.get(each.group, ""))
        self._add_custom(extra.name, extra.value)

    def _android(self, each: Property) -> None:
        extra = android_extra(each)
        if extra.name == "Birthday":
            birthday = read_birthday(extra.value, self._month_first)
            self._fields.setdefault("birthday", birthday)
        else:
            self._add_custom(extra.name or "Related", extra.value)

    def _uid(self, each: Property) -> None:
        text = unescaped(each.value).strip().removeprefix("urn:uuid:")
        self._fields["id" if self._ours else "external_id"] = text

    def _phone(self, each: Property) -> None:
        text = unescaped(each.value).strip()
        if text[:4].lower() == "tel:":
            extension = _URI_EXTENSION.search(text)
            text = _URI_REST.sub("", text[4:])
            text += f" x{extension.group(1)}" if extension else ""
        refuse_ruined(text)
        self._add(each, "phones", {"value": text}, phone_label(each.types))

    def _email(self, each: Property) -> None:
        self._add(each, "emails", {"value": unescaped(each.value).strip()}, type_label(each.types))

    def _website(self, each: Property) -> None:
        self._add(
            each, "websites", {"value": unescaped(each.value).strip()}, type_label(each.types)
        )

    def _address(self, each: Property) -> None:
        parts = split_value(each.value, ";") + [""] * 7
        box, extended, street, city, region, code, country = parts[:7]
        lines = "\n".join(line for line in (street, extended, box) if line)
        given = {
            "street": lines, "city": city, "region": region,
            "postal_code": code, "country": country,
        }  # fmt: skip
        address = {name: value for name, value in given.items() if value}
        if not address and each.parameters.get("LABEL"):
            address = {"street": unescaped(each.parameters["LABEL"])}
        if address:
            self._add(each, "addresses", address, type_label(each.types))

    def _add(self, each: Property, field: str, item: dict[str, str], label: str) -> None:
        label = self._labels.get(each.group, "") or each.parameters.get("X-CUSTOM", "") or label
        mark = "* " if "pref" in each.types else ""
        add_items(self._fields, field, [item], [mark + label])


_READERS: dict[str, Callable[[CardReader, Property], None]] = {
    "N": CardReader._structured_name,
    "FN": CardReader._formatted_name,
    "ORG": CardReader._organisation,
    "TITLE": CardReader._title,
    "ROLE": CardReader._title,
    "NOTE": CardReader._note,
    "BDAY": CardReader._birthday,
    "CATEGORIES": CardReader._categories,
    "X-GROUP-MEMBERSHIP": CardReader._categories,
    "X-MS-TEL": CardReader._phone,
    "X-ANDROID-CUSTOM": CardReader._android,
    **dict.fromkeys(NAMES, CardReader._labelled),
    "UID": CardReader._uid,
    "TEL": CardReader._phone,
    "EMAIL": CardReader._email,
    "URL": CardReader._website,
    "ADR": CardReader._address,
}
