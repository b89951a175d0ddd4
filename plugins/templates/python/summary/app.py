"""A summary of what compilers say: errors and warnings with their places."""

from typing import Optional

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.host import Retained
from wit_world.imports.types import Diagnostic, Failure, Report

from findings import Findings, UnknownMember, refuse_members
from report import reported

# What is read at once.
PAGE = 256 * 1024


class Plugin(exports.Plugin):
    @reported
    def init(self, config: str) -> None:
        refuse("bad-config", config)


class Summary(exports.Summary):
    @reported
    def summarize(self, output: Retained, options: str) -> Optional[Report]:
        refuse("bad-options", options)
        findings = Findings()
        for channel in output.channels():
            # Page by page: what was printed may be larger than this plugin's memory.
            size = output.size(channel)
            offset = 0
            while offset < size:
                page = output.read(channel, offset, PAGE)
                if not page:
                    break
                offset += len(page)
                findings.push(channel, page)
            findings.end(channel)
        if not findings.found:
            return None
        diagnostics = [
            Diagnostic(found.severity, found.message, found.path, found.line, found.column, None, found.at)
            for found in findings.found
        ]
        return Report(findings.text(), diagnostics, findings.notes())


def refuse(code: str, text: str) -> None:
    try:
        refuse_members(text)
    except UnknownMember as error:
        raise Err(Failure(code, str(error)))
