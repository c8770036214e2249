"""Reads what Yosys and nextpnr said, compares it with the checked-in figures, or writes them anew."""

import json
import re
import sys
from pathlib import Path

# Figure -> tolerance as a part of the checked-in value, and which way is worse.
TOLERANCE = {
    "xcup_lut": (0.05, "more"),
    "xcup_ff": (0.05, "more"),
    "xcup_ramb36": (0.0, "more"),
    "xcup_dsp": (0.0, "more"),
    "ecp5_fmax_mhz": (0.15, "less"),
}


def measured(folder: Path) -> dict[str, float]:
    text = (folder / "xcup.stat").read_text()
    cells = {name: int(count) for name, count in re.findall(r"^\s+(\w+)\s+(\d+)$", text, re.M)}
    figures = {
        "xcup_lut": sum(cells.get(f"LUT{n}", 0) for n in range(1, 7)),
        "xcup_ff": sum(count for name, count in cells.items() if re.fullmatch(r"FD[RSCP]E", name)),
        "xcup_ramb36": cells.get("RAMB36E2", 0) + cells.get("RAMB18E2", 0) / 2,
        "xcup_dsp": cells.get("DSP48E2", 0),
    }
    report = folder / "ecp5.report.json"
    if report.exists():
        clocks = json.loads(report.read_text())["fmax"].values()
        figures["ecp5_fmax_mhz"] = round(max(clock["achieved"] for clock in clocks), 1)
    return figures


def main() -> int:
    folder, path = Path(sys.argv[1]), Path(sys.argv[2])
    figures = measured(folder)
    if "--publish" in sys.argv:
        rows = [f"{name}\t{value:g}" for name, value in figures.items()]
        path.write_text("\n".join(rows) + "\n")
    known = dict(line.split("\t") for line in path.read_text().split("\n") if line)
    wrong = 0
    for name, value in figures.items():
        tolerance, worse = TOLERANCE[name]
        if name not in known:
            print(f"MEASURED {name:<16}{value:>10g}  no figure is checked in: look at it, then --publish")
            wrong += 1
            continue
        before = float(known[name])
        limit = before * (1 + tolerance if worse == "more" else 1 - tolerance)
        bad = value > limit if worse == "more" else value < limit
        wrong += bad
        print(f"MEASURED {name:<16}{value:>10g}  checked in {before:g}, limit {limit:g}{'  WORSE' if bad else ''}")
    return 1 if wrong else 0


sys.exit(main())
