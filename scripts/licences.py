"""Writes the licence notices of every crate that is compiled into the program.

    python3 scripts/licences.py [--target TRIPLE] > THIRD-PARTY.txt

Crates come from `cargo metadata`: normal dependencies on that target (the host by default), without those of tests and of
build scripts. Each distinct text is printed once, below the crates that it belongs to. A crate without a file gets the texts
of the licences that its manifest names, from another crate that has them. One that names none fails the run.
"""
import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

FILES = re.compile(r"^(licen[cs]e|copying|notice|unlicense|copyright)", re.IGNORECASE)
LINE = "=" * 100


def metadata(target):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def host():
    lines = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.search(r"^host: (.+)$", lines, re.MULTILINE)[1]


def compiled_in(graph):
    """The packages that the program contains, its own aside."""
    packages = {package["id"]: package for package in graph["packages"]}
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    root = graph["resolve"]["root"]
    seen, open_ = {root}, [root]
    while open_:
        for dependency in nodes[open_.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                open_.append(dependency["pkg"])
    # The workspace's own crates have their licences in the archive already.
    return sorted((packages[i] for i in seen if packages[i]["source"]), key=lambda p: (p["name"], p["version"]))


def texts(package):
    """The licence files of a package, as texts without differences in white space at the ends of lines."""
    folder = Path(package["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if path.is_file() and FILES.match(path.name))
    if package["license_file"]:
        files.append(folder / package["license_file"])
    read = (path.read_text(encoding="utf-8", errors="replace") for path in dict.fromkeys(files))
    return ["\n".join(line.rstrip() for line in text.strip().splitlines()) for text in read]


def names(package):
    """The licences that a manifest names: MIT, Apache-2.0 and so on."""
    return re.findall(r"[A-Za-z0-9.\-]+", re.sub(r"\b(OR|AND|WITH)\b", " ", (package["license"] or "").replace("/", " ")))


def kind(text):
    """The licence that a text is, of those that crates without a file name."""
    head = " ".join(text.split())[:400]
    for name, words in [("MIT", "Permission is hereby granted, free of charge"), ("Apache-2.0", "Apache License"), ("Zlib", "as-is"),
                        ("ISC", "Permission to use, copy, modify"), ("BSD-3-Clause", "Redistribution and use"), ("CC0-1.0", "CC0")]:
        if words.lower() in head.lower():
            return name
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", default=None)
    graph = metadata(parser.parse_args().target or host())
    packages = compiled_in(graph)
    holders, examples, bare = defaultdict(list), {}, []
    for package in packages:
        found = texts(package)
        for text in found:
            holders[text].append(package)
            examples.setdefault(kind(text), text)
        if not found:
            bare.append(package)
    for package in bare:
        known = [examples[name] for name in names(package) if name in examples]
        if not known:
            sys.exit(f"error: {package['name']} has no licence file, and its licence {package['license']!r} is in no other crate: "
                     "add its text to scripts/licences.py")
        holders[known[0]].append(package)
    print("The program contains the crates below, each under the licence that follows its name.\n")
    for package in packages:
        authors = ", ".join(package["authors"])
        print(f"{package['name']} {package['version']}: {package['license']}{'; ' + authors if authors else ''}")
    for text, users in holders.items():
        print(f"\n{LINE}\n{', '.join(sorted({user['name'] for user in users}))}\n{LINE}\n\n{text}")


main()
