"""An HTML page as tests read it."""

import re
from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "br", "input", "img", "hr", "source"}


class Html(HTMLParser):
    """The tags of a page in order, its text, and whether every tag was closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.orphans: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.text += " "
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.orphans.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, name):
        return [attrs.get(name) for _, attrs in self.tags if name in attrs]

    def readable(self) -> None:
        """What a screen reader needs of any page: language, headings in order, names that exist."""
        assert self.tags[0] == ("html", {"lang": "en"})
        levels = [int(tag[1]) for tag, _ in self.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        ids = self.all("id")
        assert len(ids) == len(set(ids))
        assert set(self.all("for") + self.all("aria-labelledby")) <= set(ids)
