"""What was measured, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

HEADINGS = ("what", "figure", "raw limit", "ratio", "mark", "a core's share")


@dataclass(frozen=True)
class Row:
    """One line. `ratio` is how many times the raw limit it costs: 1.0 is the limit itself."""

    what: str
    figure: str
    raw: str = ""
    ratio: float | None = None
    mark: str = ""
    busy: str = ""

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.what, self.figure, self.raw, ratio, self.mark, self.busy)


@dataclass
class Samples:
    """Repeated measurements of one thing."""

    values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        self.values.append(value)

    @property
    def middle(self) -> float:
        return median(self.values)

    def percentile(self, share: float) -> float:
        """The value that `share` (0 to 1) of the samples do not exceed."""
        ordered = sorted(self.values)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def tail(self) -> str:
        """`1.20 ms, p99 3.10`, of samples in seconds."""
        return f"{self.middle * 1e3:.2f} ms, p99 {self.percentile(0.99) * 1e3:.2f}"

    def spread(self, unit: str, factor: float = 1.0, digits: int = 2) -> str:
        """`0.41 s (0.38 to 0.55)`: median, least and greatest."""
        numbers = [self.middle, min(self.values), max(self.values)]
        middle, least, most = (f"{each * factor:,.{digits}f}" for each in numbers)
        return f"{middle} {unit} ({least} to {most})"


def print_table(rows: Sequence[Row]) -> None:
    """Prints the rows under their headings."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
