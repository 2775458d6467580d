"""What the documents point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.support.processes import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"`((?:server|sql|tests|docs|public)/[\w./-]*)`")
LINKED = re.compile(r"\]\(([^)#\s]+)(#[^)\s]+)?\)")
# The worked example's own files.
EXAMPLE = ("products", "NNNN")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_in_a_document_exists(document: Path) -> None:
    named = NAMED.findall(document.read_text(encoding="utf-8"))
    missing = {path for path in named if not any(word in path for word in EXAMPLE)}
    assert [path for path in sorted(missing) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_in_a_document_leads_somewhere(document: Path) -> None:
    for target, anchor in LINKED.findall(document.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path = (document.parent / target).resolve()
        assert path.exists(), f"{document.name} links to {target}"
        if anchor:
            assert anchor in anchors_of(path), f"{document.name} links to {target}{anchor}"


def test_the_readme_leads_to_every_document() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    documents = [f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")]
    assert [path for path in sorted(documents) if f"]({path})" not in readme] == []


def anchors_of(document: Path) -> set[str]:
    """The anchors that a page of Markdown has: its headings in lower case, with dashes."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {"#" + words.replace(" ", "-") for words in plain}
