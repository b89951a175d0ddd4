"""Replacing, chunk by chunk. Nothing of the host is imported here, so that the tests run natively."""

import json
from dataclasses import dataclass
from typing import Optional


class BadConfig(Exception):
    """What is wrong with the configuration: reaches the person who wrote it."""


@dataclass
class Config:
    # What is looked for; with nothing to look for no stream is filtered.
    find: bytes = b""
    # What stands in its place.
    replace: bytes = b""

    @classmethod
    def parse(cls, text: str) -> "Config":
        config = json.loads(text)
        for name, value in config.items():
            if name not in ("find", "replace"):
                raise BadConfig(f"expected `find` and `replace`, saw `{name}`")
            if not isinstance(value, str):
                raise BadConfig(f"`{name}`: expected a string, saw {json.dumps(value)}")
        return cls(**{name: value.encode() for name, value in config.items()})


class Replacer:
    """One stream on its way. Output is bytes: it need not be text, and a chunk may end within a character."""

    def __init__(self, config: Config):
        self.config = config
        # The end of what came so far, as far as it is a beginning of what is looked for.
        self.held = b""

    def push(self, chunk: bytes) -> Optional[bytes]:
        """What to pass on for `chunk`; None for the chunk as it is, which saves copying it."""
        *done, rest = (self.held + chunk).split(self.config.find)
        keep = beginning_at_end(rest, self.config.find)
        if not done and not keep and not self.held:
            return None
        self.held = rest[len(rest) - keep :]
        return self.config.replace.join([*done, rest[: len(rest) - keep]])

    def finish(self) -> bytes:
        """The rest: what was held back is nothing but itself now."""
        return self.held


def beginning_at_end(text: bytes, needle: bytes) -> int:
    """Length of the longest end of `text` that `needle` begins with."""
    most = min(len(text), len(needle) - 1)
    return next((length for length in range(most, 0, -1) if text.endswith(needle[:length])), 0)
