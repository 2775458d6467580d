"""An import's row is loaded by the same rules as a single contact, only faster."""

from __future__ import annotations

import pytest

from server.errors import Invalid
from server.schemas.bulk_rows import load_row


def test_a_row_comes_out_as_it_is_stored() -> None:
    row = {
        "first_name": " Ann ",
        "emails": [{"value": "Ann@X.ch", "label": "work"}],
        "phones": [{"value": "044 668 18 00", "e164": "+41446681800"}],
        "display_name": "Ann",
    }
    assert load_row(row, "CH", False) == {
        "first_name": "Ann",
        "emails": [{"label": "work", "value": "ann@x.ch"}],
        "phones": [{"value": "044 668 18 00", "e164": "+41446681800"}],
    }
    assert load_row({"phones": [{"value": "044 668 18 00"}]}, "CH", True) == {
        "phones": [{"value": "+41 44 668 18 00", "e164": "+41446681800"}],
    }


@pytest.mark.parametrize(
    ("row", "paths"),
    [
        ({"first_name": "x" * 501, "frist_name": "x"}, {"first_name", "frist_name"}),
        ({"emails": [{"value": "a@x.ch"}, {"value": "nonsense"}]}, {"emails.1.value"}),
        ({"birthday": "2001-02-30"}, {"birthday"}),
        ({"custom": {"n": [1]}}, {"custom.n"}),
        ({"notes": "a\x00b"}, {"notes"}),
        ({"custom": {str(n): "x" * 5_000 for n in range(20)}}, {""}),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(row: dict[str, object], paths: set[str]) -> None:
    with pytest.raises(Invalid) as caught:
        load_row(row, "CH", False)
    assert set(caught.value.fields or {}) == paths
