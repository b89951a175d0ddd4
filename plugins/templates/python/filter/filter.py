"""The streams. The component's tools look for a resource in a module that is named after its interface: this one."""

from typing import Optional

from wit_world.exports import filter as interface
from wit_world.imports.host import StreamContext
from wit_world.imports.types import ChunkResult, ChunkResult_Bytes, ChunkResult_Unchanged

from replacer import Config, Replacer
from report import reported

# Set by `init`.
config = Config()


class FilterStream(interface.FilterStream):
    """One stream."""

    def __init__(self, replacer: Replacer):
        self.replacer = replacer

    @classmethod
    @reported
    def open(cls, context: StreamContext) -> Optional["FilterStream"]:
        # Nothing to look for: not for this filter, and the stream costs nothing from here on.
        return cls(Replacer(config)) if config.find else None

    @reported
    def push(self, chunk: bytes) -> ChunkResult:
        output = self.replacer.push(chunk)
        return ChunkResult_Unchanged() if output is None else ChunkResult_Bytes(output)

    @reported
    def idle(self) -> bytes:
        # A filter that waits for whole lines would give the line that it has so far. This one holds nothing but a
        # beginning of what it looks for: given now, it could not be replaced any more.
        return b""

    @classmethod
    @reported
    def finish(cls, this: "FilterStream") -> bytes:
        return this.replacer.finish()
