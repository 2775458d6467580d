"""Our scripts and styles without their comments: a seventh of what would go over the wire."""

from __future__ import annotations

import re

# Those that have lines to themselves: what stands beside code, or within a text, stays.
# tests/unit/test_dashboard_files.py sees to it that no template has lines that look like one.
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)$", re.MULTILINE)


def without_comments(source: bytes) -> bytes:
    """A script or style sheet, its comments left out; each line keeps its number."""
    text = source.decode("utf-8")
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text).encode("utf-8")
