"""Checks every relative link and anchor in HTML and Markdown files. External links are not fetched.

    python3 scripts/check_links.py FILE_OR_FOLDER...

Prints one line for each link that leads nowhere, and exits with 1 if there is one. Only Python's own library is needed.
"""
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of an HTML page, and the ids that a link can point to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


class Document:
    """The same of a Markdown file, with anchors as GitHub and mdBook make them from headings."""

    def __init__(self, text):
        text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        self.links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))
        self.anchors = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, flags=re.M)}


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def read(path, cache={}):
    if path not in cache:
        cache[path] = (Page if path.suffix == ".html" else Document)(path.read_text(encoding="utf-8"))
    return cache[path]


def fault(page, link):
    """Why a link of a page is dead, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return "no such file"
    if parts.fragment and target.suffix in (".html", ".md") and unquote(parts.fragment) not in read(target).anchors:
        return "no such anchor"
    return None


def pages(arguments):
    for argument in map(Path, arguments):
        if argument.is_dir():
            yield from (page for kind in ("*.html", "*.md") for page in sorted(argument.rglob(kind)))
        else:
            yield argument


def main(arguments):
    checked = dead = 0
    for page in pages(arguments):
        page = page.resolve()
        if page.name in ("404.html", "print.html", "toc.html"):
            continue  # made by mdBook from the other pages, with links for another place
        for link in read(page).links:
            checked += 1
            if reason := fault(page, link):
                dead += 1
                print(f"{page}: {link}: {reason}")
    if checked == 0:
        sys.exit("error: no link was found; name HTML or Markdown files, or a folder of them")
    print(f"{checked} links checked, {dead} dead")
    sys.exit(dead > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
