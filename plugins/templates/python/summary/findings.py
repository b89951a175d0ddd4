"""Lines such as `src/a.c:3:7: error: expected ';'`. Nothing of the host is imported here, so that the tests run
natively."""

import json
import re
from dataclasses import dataclass

# Lines that are longer are no findings.
LINE_MAX = 4096
# `path:line:column: severity: message`
FINDING = re.compile(r"(.+?):(\d+):(\d+): (error|warning): (.*)")


class UnknownMember(Exception):
    pass


def refuse_members(text: str) -> None:
    """There is nothing to configure: refuses every member."""
    for name in json.loads(text):
        raise UnknownMember(f"expected no members, saw `{name}`")


@dataclass
class Found:
    severity: str
    message: str
    path: str
    line: int
    column: int
    # The channel and the place in it.
    at: tuple
    # As it was printed.
    text: str


class Findings:
    """What was found so far."""

    def __init__(self):
        self.found: list[Found] = []
        # The line that has not ended yet, cut at the bound, with its whole length and its place in the channel.
        self.line = b""
        self.length = 0
        self.at = 0

    def push(self, channel, data: bytes) -> None:
        """The next bytes of a channel."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            self._end_line(channel, 1)
        self._add(rest)

    def end(self, channel) -> None:
        """The channel has no more."""
        self._end_line(channel, 0)
        self.at = 0

    def notes(self) -> list[tuple[str, str]]:
        def count(severity: str) -> str:
            return str(sum(found.severity == severity for found in self.found))

        return [("errors", count("error")), ("warnings", count("warning"))]

    def text(self) -> str:
        """Lines of the output stand as they are; the summary's own begin with `# `."""
        head = "# " + ", ".join(f"{name}: {count}" for name, count in self.notes())
        return "\n".join([head, *(found.text for found in self.found), ""])

    def _add(self, data: bytes) -> None:
        self.line += data[: max(0, LINE_MAX - len(self.line))]
        self.length += len(data)

    def _end_line(self, channel, ending: int) -> None:
        if self.length < LINE_MAX:
            line = self.line.decode(errors="replace").rstrip("\r")
            if match := FINDING.fullmatch(line):
                path, number, column, severity, message = match.groups()
                at = (channel, self.at)
                self.found.append(Found(severity, message, path, int(number), int(column), at, line))
        self.at += self.length + ending
        self.line, self.length = b"", 0
