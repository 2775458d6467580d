"""Exports by REST, as tests ask for them and read them."""

from __future__ import annotations

import csv
import io

from tests.integration.support.rest import Answer, Api


async def export(api: Api, query: str) -> Answer:
    """The file that a query asks for."""
    answer = await api.get(f"/api/bulk/export?{query}")
    assert answer.status == 200, answer.text
    return answer


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a CSV, by the names of their columns."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
