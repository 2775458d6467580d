"""The published checksums, for the tests of both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Vector = dict[str, Any]
FILE = Path(__file__).resolve().parents[1] / "docs" / "checksum-vectors.json"
VECTORS: list[Vector] = json.loads(FILE.read_text())
