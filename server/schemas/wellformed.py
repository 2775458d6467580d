"""Finds what JSON, and the database, can't hold: binary, NUL, broken text, endless nesting."""

from __future__ import annotations

import orjson

from server.errors import Invalid

MAX_DEPTH = 254  # what orjson, which writes the answers, can hold
MAX_REPORTED = 50
_MAX_PATH = 200


def refuse_what_is_not_json(payload: object, prefix: str) -> int:
    """Size of the payload in bytes; raises Invalid for binary, NUL, broken text and the like.

    Writing it as JSON finds nearly all of them in a microsecond; only what fails there is
    walked through, to name the place.
    """
    try:
        encoded = orjson.dumps(payload)
    except TypeError as error:
        found = _find_what_is_not_json(payload, prefix)
        message = None if found else f"This can't be written as JSON: {error}."
        raise Invalid(message, fields=found) from None
    # The backslash may be the text's own, so this only asks for a closer look.
    if b"\\u0000" in encoded:
        found = _find_what_is_not_json(payload, prefix)
        if found:
            raise Invalid(fields=found)
    return len(encoded)


def _find_what_is_not_json(payload: object, prefix: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    pending: list[tuple[str, object, int]] = [(prefix, payload, 0)]
    while pending and len(found) < MAX_REPORTED:
        path, value, depth = pending.pop()
        message = _text_fault(value) if isinstance(value, str) else _value_fault(value)
        if depth >= MAX_DEPTH and isinstance(value, dict | list):
            message = f"This is nested more than {MAX_DEPTH} levels deep."
        if message:
            found[path] = [message]
        elif isinstance(value, dict):
            for key, below in value.items():
                fault = _text_fault(key) if isinstance(key, str) else "Names must be texts."
                if fault:
                    found[join(path, key)] = [fault]
                else:
                    pending.append((join(path, key), below, depth + 1))
        elif isinstance(value, list):
            for index, below in enumerate(value):
                pending.append((join(path, index), below, depth + 1))
    return found


def _text_fault(text: str) -> str | None:
    if "\x00" in text:
        return "This holds a NUL character, which can't be stored."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "This holds half a character (a lone surrogate), which can't be stored."
    return None


def _value_fault(value: object) -> str | None:
    if isinstance(value, bytes | bytearray | memoryview):
        return "This is binary; send text."
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**64 else "This number is too large."
    if value is None or isinstance(value, float | dict | list):
        return None
    return "This is not a JSON value."


def join(path: str, key: object) -> str:
    """`path.key`, cut where a client's own names would make it endless."""
    joined = f"{path}.{key}" if path and key != "" else path or str(key)
    joined = joined.encode(errors="replace").decode().replace("\x00", "\ufffd")
    return joined if len(joined) <= _MAX_PATH else joined[: _MAX_PATH - 1] + "…"
