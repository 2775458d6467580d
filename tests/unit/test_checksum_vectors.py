"""The published checksums (docs/checksum-vectors.json), by the client's own reckoning."""

from __future__ import annotations

import random

import pytest

from server.client.replica import CHECKSUM_MODULUS, Replica
from tests.vectors import VECTORS, Vector


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["about"])
def test_a_replica_has_the_published_checksum(vector: Vector) -> None:
    replica = Replica()
    rows = [dict(row) for row in vector["rows"]]
    # In whatever order they come.
    random.Random(1).shuffle(rows)
    for row in rows:
        if row.pop("deleted", False):
            replica.put("contacts", {"id": row["id"], "version": row["version"] - 1}, 0)
            replica.delete("contacts", row)
        else:
            replica.put("contacts", row, 0)
    assert replica.checksum().get("contacts", {"count": 0, "sum": 0}) == vector["checksum"]


def test_the_vectors_reach_the_wrap() -> None:
    sums = [
        sum(row["version"] for row in vector["rows"] if not row.get("deleted"))
        for vector in VECTORS
    ]
    assert {each // CHECKSUM_MODULUS for each in sums} >= {0, 1, 3}
    assert CHECKSUM_MODULUS in sums
