#!/usr/bin/env python3
"""Imports between the files of each crate's production code: no file takes part in a circle of more
than ten, and inside a crate whose layers are listed in `LAYERS` imports run downwards only.

A module and what lies below it in its folder are one room with a door: what the door takes from its
own folder is not counted. A name that a module hands on (`pub use`) counts as an import of the file that defines it. Code
behind `#[cfg(test)]` does not count.

Usage: scripts/imports.py            check
       scripts/imports.py CRATE      list the crate's circles and what ties them
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LARGEST_CIRCLE = 10

# Top-level modules from the ground up. A layer may import the layers before it, and itself.
LAYERS = {
    "mcp": "config sealing authority reply access policy outbound tools observe"
    " request passthrough bridge endpoint registry sidecar".split(),
}


# Comments, strings and characters: what may hold a brace or the word `use` without meaning it.
OPAQUE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bb?r(#*)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^'\\])'""", re.DOTALL
)


def without_tests(text, stand_in=lambda found: '""'):
    """The source without comments and items under `#[cfg(test)]`, with `stand_in` of each string."""
    text = OPAQUE.sub(lambda found: "" if found[0].startswith("/") else stand_in(found), text)
    out, at = [], 0
    for found in re.finditer(r"#\[cfg\((?:a(?:ll|ny)\()?test[^\]]*\]", text):
        if found.start() < at:
            continue
        out.append(text[at : found.start()])
        depth, at = 0, found.end()
        while at < len(text):
            if text[at] == "{":
                depth += 1
            elif text[at] == "}":
                depth -= 1
                if depth == 0:
                    at += 1
                    break
            elif text[at] == ";" and depth == 0:
                at += 1
                break
            at += 1
    out.append(text[at:])
    return "".join(out)


def flatten(tree, prefix=()):
    """Every (path, name in use) of a `use` tree, as tuples of segments."""
    tree = tree.strip()
    depth, start, parts = 0, 0, []
    for at, letter in enumerate(tree):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            parts.append(tree[start:at])
            start = at + 1
    parts.append(tree[start:])
    for part in filter(None, map(str.strip, parts)):
        brace = part.find("{")
        if brace >= 0:
            head = tuple(s.strip() for s in part[:brace].split("::") if s.strip())
            yield from flatten(part[brace + 1 : part.rindex("}")], prefix + head)
            continue
        path, _, alias = part.partition(" as ")
        path = prefix + tuple(s.strip() for s in path.split("::") if s.strip())
        if path and path[-1] == "self":
            path = path[:-1]
        yield path, (alias.strip() or (path[-1] if path else ""))


class Crate:
    def __init__(self, folder):
        self.source = folder / "src"
        self.files = {}  # module path -> text
        self.paths = {}  # module path -> where it is
        tests = set()
        for file in sorted(self.source.rglob("*.rs")):
            parts = file.relative_to(self.source).with_suffix("").parts
            module = () if parts in (("lib",), ("main",)) else parts
            raw = file.read_text()
            self.paths[module] = file
            for name in re.findall(r"#\[cfg\((?:a(?:ll|ny)\()?test[^\]]*\]\s*(?:pub\S*\s+)?mod (\w+);", raw):
                tests.add(module + (name,))
            self.files[module] = without_tests(raw)
        self.files = {
            module: text
            for module, text in self.files.items()
            if not any(module[: len(test)] == test for test in tests)
        }
        self.uses = {module: list(self.imports(module)) for module in self.files}
        self.handed_on = {
            module: {name: path for path, name, public in uses if public}
            for module, uses in self.uses.items()
        }
        self.edges = {module: self.reached(module) for module in self.files}

    def imports(self, module):
        text = self.files[module]
        pattern = r"(?:^|[;{}\n])\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);"
        for public, tree in re.findall(pattern, text):
            for path, name in flatten(tree):
                yield self.absolute(module, path), name, bool(public)
        for path in re.findall(r"\b((?:crate|super)(?:::\w+)+)", re.sub(r"\buse\s+[^;]+;", "", text)):
            path = tuple(path.split("::"))
            yield self.absolute(module, path), path[-1], False

    def absolute(self, module, path):
        """The path from the crate's root, or `None` for one that leaves the crate."""
        if path and path[0] == "crate":
            return path[1:]
        if path and path[0] in ("super", "self"):
            at = module
            while path and path[0] in ("super", "self"):
                at = at[:-1] if path[0] == "super" else at
                path = path[1:]
            return at + path
        if path and module + path[:1] in self.files:
            return module + path
        return None

    def home(self, path, depth=0):
        """The file that defines what `path` names."""
        at = ()
        for length in range(len(path), -1, -1):
            if path[:length] in self.files:
                at = path[:length]
                break
        rest = path[len(at) :]
        if rest and depth < 8:
            further = self.handed_on.get(at, {}).get(rest[0])
            if further is not None:
                return self.home(further + rest[1:], depth + 1)
        return at

    def reached(self, module):
        found = {}
        for path, name, public in self.uses[module]:
            if path is None:
                continue
            home = self.home(path)
            if home[: len(module)] == module:
                continue
            if home != module:
                found.setdefault(home, set()).add(name)
        return found

    def circles(self):
        """Strongly connected sets of more than one file, largest first (Tarjan)."""
        index, low, stack, on, out = {}, {}, [], set(), []

        def visit(start):
            work = [(start, iter(self.edges[start]))]
            index[start] = low[start] = len(index)
            stack.append(start)
            on.add(start)
            while work:
                node, targets = work[-1]
                for target in targets:
                    if target not in self.edges:
                        continue
                    if target not in index:
                        index[target] = low[target] = len(index)
                        stack.append(target)
                        on.add(target)
                        work.append((target, iter(self.edges[target])))
                        break
                    if target in on:
                        low[node] = min(low[node], index[target])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == index[node]:
                        circle = []
                        while True:
                            last = stack.pop()
                            on.discard(last)
                            circle.append(last)
                            if last == node:
                                break
                        if len(circle) > 1:
                            out.append(sorted(circle))

        for module in self.files:
            if module not in index:
                visit(module)
        return sorted(out, key=len, reverse=True)

    def name(self, module):
        return "::".join(module) or "lib"


def main():
    if len(sys.argv) > 1:
        crate = Crate(ROOT / "crates" / sys.argv[1])
        for circle in crate.circles():
            print(f"circle of {len(circle)}")
            for module in circle:
                for target, names in sorted(crate.edges[module].items()):
                    if target in circle:
                        print(f"  {crate.name(module)} -> {crate.name(target)}: {', '.join(sorted(names))}")
        return 0
    failed = 0
    for folder in sorted((ROOT / "crates").iterdir()):
        if not (folder / "src").is_dir():
            continue
        crate = Crate(folder)
        for circle in crate.circles():
            if len(circle) > LARGEST_CIRCLE:
                names = ", ".join(map(crate.name, circle))
                print(f"crates/{folder.name}: {len(circle)} files import each other in a circle: {names}")
                failed = 1
        layers = LAYERS.get(folder.name, [])
        for module in crate.files:
            for target, names in sorted(crate.edges[module].items()):
                if not module or not target or module[0] == target[0]:
                    continue
                if module[0] not in layers:
                    continue
                if target[0] not in layers[: layers.index(module[0])]:
                    print(
                        f"crates/{folder.name}: {crate.name(module)} must not import {crate.name(target)}, "
                        f"which stands above it ({', '.join(sorted(names))})"
                    )
                    failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
