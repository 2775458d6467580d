"""What reading costs: memory that stays flat, and a row by a mapping that is made once."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from server.files.reading import ReadOptions, open_contact_file
from tests.unit.files_support import workbook, zipped

ROOT = Path(__file__).parent.parent.parent
# Sizes at which a file that is held whole is far above the bound.
MEGABYTES = 20
BOUND = 12
MEASURE = """
import re, sys
from pathlib import Path
from server.files.reading import FileFault, ReadOptions, open_contact_file

def peak():
    # Of this program alone: getrusage also counts what the process was before it became this one.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024

before = peak()
count = read = 0
try:
    file = open_contact_file(Path(sys.argv[1]), ReadOptions())
    count = file.check()
    read = sum(1 for _ in file.rows(count - 1_000))
except FileFault:
    pass
print(count, read, peak() - before)
"""
CONTACT = {
    "first_name": "Ann",
    "last_name": "Lee",
    "company": "Lee & Sons, Ltd",
    "notes": "met at the fair " * 10,
}
CARD = (
    "BEGIN:VCARD\nVERSION:3.0\nN:Lee;Ann;;;\nFN:Ann Lee\nTEL;TYPE=CELL:+41446681800\n"
    "NOTE:met at the fair\nPHOTO;ENCODING=b:" + "\n AAAAAAAAAAAAAAAAAAAAAAAA" * 80 + "\nEND:VCARD\n"
)


def grown(path: Path) -> tuple[int, int, int]:
    """Rows counted, rows read, and by how many MB the process grew over its start."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    count, read, megabytes = map(int, done.stdout.split())
    return count, read, megabytes


def write(path: Path, kind: str) -> int:
    """A file of some 20 MB; how many contacts it has."""
    size = MEGABYTES * 1_000_000
    if kind == "xlsx":
        return write_sheet(path, size)
    one = {
        "csv": ",".join(f'"{value}"' for value in CONTACT.values()) + "\n",
        "json": json.dumps(CONTACT) + ",\n",
        "jsonl": json.dumps(CONTACT) + "\n",
        "vcf": CARD,
    }[kind]
    count = size // len(one)
    begin = {"csv": ",".join(CONTACT) + "\n", "json": "["}.get(kind, "")
    end = json.dumps(CONTACT) + "]" if kind == "json" else ""
    path.write_text(begin + one * count + end)
    return count + (kind == "json")


def write_sheet(path: Path, size: int) -> int:
    row = "<row>" + "".join(
        f'<c t="inlineStr"><is><t>{i} of it {"x" * 400}</t></is></c>' for i in range(8)
    )
    row += "</row>"
    count = size // len(row)
    header = '<row><c t="inlineStr"><is><t>Name</t></is></c>' + "<c><v>1</v></c>" * 7 + "</row>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in workbook(header + row * count).items():
            archive.writestr(name, content)
    return count


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "vcf", "xlsx"])
def test_memory_stays_flat_however_large_the_file_is(kind, tmp_path):
    path = tmp_path / f"large.{kind}"
    count = write(path, kind)
    counted, read, megabytes = grown(path)
    assert counted == count
    assert read == 1_000
    assert megabytes < BOUND


@pytest.mark.parametrize("kind", ["csv", "quoted.csv", "json", "vcf", "xlsx"])
def test_a_cell_of_50_megabytes_is_never_held(kind, tmp_path):
    path = tmp_path / f"cell.{kind}"
    begin, end = {
        "csv": ("Name,Notes\nAnn,", "\n"),
        "quoted.csv": ('Name,Notes\nAnn,"a\n', '"\n'),
        "json": ('[{"first_name": "', '"}]'),
        "vcf": ("BEGIN:VCARD\nFN:Ann\nNOTE:", "\nEND:VCARD\n"),
        "xlsx": ('<row><c t="inlineStr"><is><t>', "</t></is></c></row>"),
    }[kind]
    if kind == "xlsx":
        # Texts that do not shrink, lest it be refused as a bomb.
        noise = random.Random(1).randbytes(12_500_000).hex()
        zipped(path, workbook(f"{begin}{noise * 2}{end}"))
    else:
        with path.open("w") as file:
            file.write(begin)
            for _ in range(50):
                file.write("x" * 999_999 + ("\n" if kind == "quoted.csv" else "x"))
            file.write(end)
    count, _, megabytes = grown(path)
    assert count == 0
    assert megabytes < BOUND


def test_a_row_costs_little_more_than_its_parsing(tmp_path):
    path = tmp_path / "typical.csv"
    header = "First Name,Last Name,Company,Job Title,Email,Phone,Street,City,Postal Code,Notes"
    rows = [
        f'Ann{n},Lee{n},"Lee & Sons, Ltd",Buyer,ann{n}@example.com,+4144668{n:05},'
        f"Bahnhofstrasse {n},Zürich,8001,met at the fair"
        for n in range(20_000)
    ]
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    file = open_contact_file(path, ReadOptions())

    def mere_parsing() -> None:
        with path.open(encoding="utf-8", newline="") as text:
            assert sum(1 for _ in csv.reader(text)) == 20_001

    def reading() -> None:
        assert sum(1 for _ in file.rows()) == 20_000

    def best_of_five(run: object) -> float:
        times = []
        for _ in range(5):
            start = time.process_time()
            run()  # type: ignore[operator]
            times.append(time.process_time() - start)
        return min(times)

    # Measured: 1.2 µs and 7.7 µs of the processor a row, however long that takes.
    assert best_of_five(reading) < 15 * best_of_five(mere_parsing)
