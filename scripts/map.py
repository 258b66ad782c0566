#!/usr/bin/env python3
"""The map is true: every row of the table "Where is…" in crates/README.md names files that exist, and
names that stand in them. Paths that docs name below `crates/` exist, too."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAP = ROOT / "crates" / "README.md"


def source(path):
    """`mcp/policy/judge.rs` as the map writes it: without `src/`."""
    crate, _, rest = path.partition("/")
    return ROOT / "crates" / crate / "src" / rest


def defines(text, name):
    """Whether an item or a field of this name stands in the source."""
    items = r"(?:fn|struct|enum|trait|type|const|static)"
    return re.search(rf"\b{items}\s+{re.escape(name)}\b|^\s*(?:pub\S*\s+)?{re.escape(name)}:", text, re.M)


def main():
    wrong = []
    table = MAP.read_text().split("## Where is…", 1)[1].split("\n## ", 1)[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and "`" in row]
    for row in rows:
        text = ""
        for name in re.findall(r"`([^`]+)`", row.split("|")[2]):
            if "/" not in name:
                if not defines(text, name):
                    wrong.append(f"{MAP.relative_to(ROOT)}: there is no {name} where this row says it: {row}")
            elif source(name).is_file():
                text = source(name).read_text()
            else:
                wrong.append(f"{MAP.relative_to(ROOT)}: there is no {name}")
    if not rows:
        wrong.append(f"{MAP.relative_to(ROOT)}: the table is not where it was")
    for page in sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md"]):
        for path in re.findall(r"`(crates/[^`\s]+)`", page.read_text()):
            if not (ROOT / path).exists():
                wrong.append(f"{page.relative_to(ROOT)}: there is no {path}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
