#!/usr/bin/env python3
"""Wire names in production code: a method, a reserved key, a header, a media type or a member of MCP
is spelled out in `protocol` alone. Everywhere else it is one of `protocol`'s constants.

Names that are everyday words (`name`, `tools`, `error`) cannot be told from other texts, and pass.

Usage: scripts/wire_names.py
"""

import re
import sys

from imports import ROOT, Crate, without_tests

CRATES = ["mcp", "upstream"]

# The names that `protocol` has, as far as they are no everyday words, and what new ones look like.
CONSTANT = re.compile(r'pub const \w+: &str = "([^"]*[A-Z/_-][^"]*)";')
LOOKS_LIKE_ONE = re.compile(
    r"initialize|ping|[a-z]+(?:/[a-zA-Z_]+)+|notifications/.*"
    r"|io\.modelcontextprotocol/[^ ]*|x-wicketgate-.*"
)


def known():
    protocol = ROOT / "crates" / "protocol" / "src"
    files = [protocol / f"{name}.rs" for name in ("caller", "replica", "mcp")]
    files += sorted((protocol / "mcp").glob("*.rs"))
    return {name for file in files for name in CONSTANT.findall(file.read_text())}


def literals(source):
    """Every string of production code, with the number of its line."""
    strings = []

    def numbered(found):
        strings.append((source.count("\n", 0, found.start()) + 1, found[0]))
        return f'"{len(strings) - 1}"'

    for number in re.findall(r'"(\d+)"', without_tests(source, numbered)):
        yield strings[int(number)]


def main():
    names, failed = known(), 0
    for name in CRATES:
        crate = Crate(ROOT / "crates" / name)
        for module in crate.files:
            file = crate.paths[module]
            for line, literal in literals(file.read_text()):
                # JSON inside a string has its names between quotes of its own.
                for word in re.split(r'\\?"', literal):
                    if word in names or LOOKS_LIKE_ONE.fullmatch(word):
                        print(f"{file.relative_to(ROOT)}:{line}: {word} is a wire name")
                        failed = 1
    if failed:
        print("wire names stand in crates/protocol (mcp, mcp::method, mcp::member, ...): use the constant")
    return failed


if __name__ == "__main__":
    sys.exit(main())
