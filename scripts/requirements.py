#!/usr/bin/env python3
"""Checks docs/requirements.md against the ids that code, tests and pages cite.

It fails, naming file and line, if an id is cited that the page does not explain, if the page
explains one that nobody cites, if a row has no meaning or no source, and if the rows of a table are
not of one family and in order, or an id is there twice.

What counts as a citation, in crates, tests/e2e, docs, bench, findings and scripts:

- capitals, a dash and a number (RT-8, T-MCP-10, SEP-1034), wherever they stand. What looks like it
  and is no id is in NO_IDS below;
- a capital of SHORT and a number as a word by itself (A4, C3, O12). In bench and its script such
  words mean other things: there they are looked up under "Goals of the benchmark", everywhere else
  in the rest;
- the beginning of a Rust function's name (`rt_7_reuse_…`, `t_ca_01_02_and_15_…`, `a5_…`), if the
  page has that family, since other names may begin in the same way;
- a range ("D-30…D-43", "RU-2 to RU-4", `t_az_05_to_26_…`) cites its two ends, and whatever the page
  explains between them.
"""

import os
import re
import sys
from collections import defaultdict
from pathlib import Path

PAGE = "docs/requirements.md"
PLACES = ["crates", "tests/e2e", "docs", "bench", "findings", "scripts"]
SUFFIXES = (".rs", ".md", ".mjs", ".py", ".sh", ".html", ".toml", ".php")
# This program explains the forms by examples.
LEFT_OUT = {PAGE, "scripts/requirements.py"}

# Algorithms, licences and other standards; PRC, REQ and USR are rows of the demo's little world.
NO_IDS = set("AES SHA UTF P BSD MPL GPL CC0 Z0 SSH RFC CVE GHSA PRC REQ USR".split())
SHORT = "ACFGO"
GOALS = "## Goals of the benchmark"
BENCH = "bench "  # before the ids of that part of the page

# What must not stand in front is looked at second, as a capital is found faster.
DASHED = re.compile(r"[A-Z](?<![\w-].)(?:-[A-Z])?[A-Z0-9]{0,5}-\d+[a-z]?(?!\w)")
WORD = re.compile(rf"[{SHORT}](?<![\w#%&\\.-].)[1-9]\d?(?![\w-])")
TEST = re.compile(r"\bfn ((?:t_)?[a-z]+_?)(\d\d?(?:_(?:and_|to_)?\d\d?)*)_[a-z]")
# Between the ends of a range; a line of a comment may end there.
TO = re.compile(r"…|\s+(?:[/!#*]+ )?to\s+(?:[/!#*]+ )?")


def parts(name):
    """The family of an id, with its dash, and its number."""
    family, number = re.match(r"(.*?)(\d+)[a-z]?$", name).groups()
    return family, int(number)


def in_order(before, name):
    """Whether one row of a table may follow the other."""
    (family, low), (same, high) = parts(before), parts(name)
    return family == same and low < high


def read_page():
    """Where the page explains each id, and what is wrong with its rows."""
    rows, wrong = {}, []
    before, prefix = None, ""
    for number, line in enumerate(Path(PAGE).read_text().splitlines(), 1):
        if line.startswith("#"):
            before = None
        if line.startswith("## "):
            prefix = BENCH if line == GOALS else ""
        row = re.fullmatch(r"\| ((?:T-)?[A-Z]+-?\d+) \|(.*)\|(.*)\|", line)
        if not row:
            if line.startswith("|") and not line.startswith(("| Id |", "|---")):
                wrong.append((number, "no row of the form `| Id | Requirement | Source |`"))
            continue
        name, meaning, source = row[1], row[2].strip(), row[3].strip()
        if not meaning or not source:
            wrong.append((number, f"{name} has no {'source' if meaning else 'meaning'}"))
        if prefix + name in rows:
            wrong.append((number, f"{name} is explained twice"))
        elif before and not in_order(before, name):
            wrong.append((number, f"{name} does not belong after {before}"))
        before = name
        rows[prefix + name] = number
    return rows, wrong


def files():
    """The texts that may cite, without what was built or installed there."""
    for place in PLACES:
        for folder, folders, names in os.walk(place):
            folders[:] = [f for f in folders if f[0] != "." and f not in ("node_modules", "target")]
            for path in (f"{folder}/{name}" for name in sorted(names)):
                if path.endswith(SUFFIXES) and path not in LEFT_OUT:
                    yield path


def spelled(pattern, text):
    """Ids that are written out: place, id, and the first of the range that it ends, or itself."""
    before, end = "", 0
    for found in pattern.finditer(text):
        name = found[0]
        if name.split("-")[0] in NO_IDS:
            continue
        ranges = before and in_order(before, name) and TO.fullmatch(text, end, found.start())
        yield found.start(), name, before if ranges else name
        before, end = name, found.end()


def named(text, families):
    """The same for names of tests."""
    for found in TEST.finditer(text):
        family = found[1].upper().replace("_", "-")
        if family not in families:
            continue
        before = ""
        for word, number in re.findall(r"(and_|to_|)(\d+)", found[2]):
            name = family + number
            yield found.start(), name, before if word == "to_" else name
            before = name


def cited_in(path, families):
    """All of them in one file, as the page has them, each with its line."""
    text = Path(path).read_text()
    bench = BENCH if path.startswith(("bench/", "scripts/bench")) else ""
    found = [*spelled(DASHED, text)]
    found += ((place, bench + name, bench + first) for place, name, first in spelled(WORD, text))
    found += named(text, families) if path.endswith(".rs") else []
    return ((text.count("\n", 0, place) + 1, name, first) for place, name, first in found)


def main():
    os.chdir(Path(__file__).resolve().parent.parent)
    rows, wrong = read_page()
    complaints = [f"{PAGE}:{number}: {what}" for number, what in wrong]
    families = defaultdict(dict)
    for name in rows:
        family, number = parts(name)
        families[family][number] = name

    cited = set()
    for path in files():
        for line, name, first in cited_in(path, families):
            cited.add(name)
            if name not in rows:
                complaints.append(f"{path}:{line}: {name.removeprefix(BENCH)} is not in {PAGE}")
            elif first != name:
                (family, low), (_, high) = parts(first), parts(name)
                cited.update(n for at, n in families[family].items() if low < at < high)
    for name, number in rows.items():
        if name not in cited:
            complaints.append(f"{PAGE}:{number}: nobody cites {name.removeprefix(BENCH)}")

    for complaint in complaints:
        print(complaint, file=sys.stderr)
    sys.exit(1 if complaints else 0)


main()
