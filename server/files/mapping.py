"""Which column goes to which field: what is proposed, and what the admin has made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server.files.cells import words
from server.files.families import OPEN_FAMILIES, family_path
from server.files.model import FileFault, Mapped
from server.files.paths import (
    INFORMATION,
    JOINED,
    LISTS,
    NAMES,
    FieldPath,
    parse_path,
    require_path,
)
from server.files.usual_names import folded, usual_path

MAX_CUSTOM_NAME = 100
# A contact is found or made by one of these; a file without any holds no contacts.
_IDENTITY = words("id external_id first_name last_name name company emails phones")

_FIRST_OR_WHOLE = {folded(name) for name in ("nombre", "nome", "jméno", "имя", "이름", "名字")}
_YEARS_OF_BIRTH = words("birthyear geburtsjahr")
_NAMES_OF_PEOPLE = (FieldPath("first_name"), FieldPath("last_name"))


def propose_mapping(family: str, columns: Sequence[str]) -> Mapped:
    """`{column: field path}` for a table of this program, or for one of an unknown program.

    What has no field of its own goes to `custom.<column>`; a field that holds one text is
    given to one column only.
    """
    if family == "own":
        return {column: None if column in INFORMATION else column for column in columns}
    proposed: Mapped = {}
    taken: set[FieldPath] = set()
    for column in columns:
        known, path = family_path(family, column)
        if not known:
            path = _path_by_name(column) if family in OPEN_FAMILIES else None
            parsed = parse_path(path) if path else None
            # Vorname beside First Name is the same name again, not a second one.
            again = parsed in taken and (parsed in _NAMES_OF_PEOPLE or not takes_several(parsed))
            if parsed is None or again:
                path = custom_path(column)
        proposed[column] = path
        if path and (parsed := parse_path(path)):
            taken.add(parsed)
    if family in ("csv", "xlsx"):
        _name_the_names(proposed)
    return proposed


def apply_mapping(
    proposed: Mapped, wished: Mapping[str, str | None], objects: bool = False
) -> Mapped:
    """The proposal with what the admin wishes of it; what they take is free elsewhere no more.

    `objects`: values may be whole objects, as in JSON, so that `custom` alone is a field. Raises
    FileFault that names an unknown column, an unknown field, or two columns for a
    field that holds one text.
    """
    for column in wished:
        if column not in proposed:
            raise FileFault(
                f"The mapping names the column {column[:100]!r}, which the file has not. "
                f"Its columns are: {listed(list(proposed))}.",
                column=column[:100],
            )
    taken: dict[FieldPath, str] = {}
    for column, path in wished.items():
        parsed = require_path(path, column, objects) if path is not None else None
        if parsed is None or takes_several(parsed):
            continue
        # What was proposed together may stay together, as N and FN of a card.
        if parsed in taken and not (proposed[column] == proposed[taken[parsed]] == path):
            raise FileFault(
                f"The mapping sends both {taken[parsed]} and {column} to {path}, which holds one "
                "text. Send one of them elsewhere, or leave it out (null).",
                column=column,
            )
        taken[parsed] = column
    return {
        column: wished[column] if column in wished else _unless_taken(column, path, taken)
        for column, path in proposed.items()
    }


def require_identity(mapping: Mapped, doubt: str | None = None) -> None:
    """Raise FileFault when no column can tell who a contact is; `doubt` may say why."""
    fields = {parsed.field for path in mapping.values() if path and (parsed := parse_path(path))}
    if not fields & _IDENTITY:
        raise FileFault(
            f"No column holds a name, a company, an e-mail, a phone or an id. The columns are: "
            f"{listed(list(mapping))}. Is the first row the names of the columns? Else say by "
            f"the mapping which column is what.{f' {doubt}' if doubt else ''}"
        )


def custom_path(column: str) -> str:
    """The field of the tenant's own that is called as the column is."""
    return f"custom.{' '.join(column.split())[:MAX_CUSTOM_NAME].strip()}"


def listed(columns: Sequence[str]) -> str:
    """The first columns as a person reads them."""
    names = ", ".join(column[:40] for column in columns[:20])
    return f"{names} and {len(columns) - 20} more" if len(columns) > 20 else names


def _path_by_name(column: str) -> str | None:
    # A column that is named as a field is that field: who writes a file by hand does so.
    return column if column == "owner" or _is_written_path(column) else usual_path(column)


def _is_written_path(column: str) -> bool:
    return column != "id" and ("." in column or "_" in column) and parse_path(column) is not None


def takes_several(parsed: FieldPath) -> bool:
    """Whether several columns may go to one path: lists take each, some texts are joined."""
    if parsed.part == "label":
        return False
    if parsed.field in ("addresses", "customs"):
        return parsed.part in JOINED
    return parsed.field in JOINED or parsed.field in NAMES or parsed.field in LISTS


def _unless_taken(column: str, path: str | None, taken: Mapping[FieldPath, str]) -> str | None:
    parsed = parse_path(path) if path else None
    return custom_path(column) if parsed in taken and not path_is_custom(parsed) else path


def path_is_custom(parsed: FieldPath | None) -> bool:
    """Whether a path leads to a field of the tenant's own."""
    return parsed is not None and parsed.field == "custom"


def _name_the_names(proposed: Mapped) -> None:
    """Tell what `Name` or `Nom` is, which depends on whether the other name has a column."""
    columns = {path: column for column, path in reversed(proposed.items()) if path}
    first, last, whole = (columns.get(name) for name in ("first_name", "last_name", "name"))
    if whole and first and not last:
        proposed[whole] = "last_name"
    elif last and not first and not whole and folded(last) == "nom":
        proposed[last] = "name"
    elif first and not last and not whole and folded(first) in _FIRST_OR_WHOLE:
        proposed[first] = "name"
    # Thunderbird has the day, the month and the year of birth in columns of their own.
    birthday = columns.get("birthday")
    if birthday and any(folded(column) in _YEARS_OF_BIRTH for column in proposed):
        proposed[birthday] = custom_path(birthday)
