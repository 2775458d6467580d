"""JSON as python-socketio wants it: `dumps` gives text, `loads` never raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands for a payload that is not JSON, so that its event can still be answered."""

    reason: str


def dumps(value: Any, **_options: Any) -> str:
    """Compact JSON; `orjson.Fragment`s go in as they are."""
    return orjson.dumps(value).decode()


def loads(text: str | bytes, **_options: Any) -> Any:
    """The value, or `Unreadable`: broken JSON, lone surrogates, nesting without end."""
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as error:
        return Unreadable(str(error))
