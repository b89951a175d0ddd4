"""A filter that replaces a text by another, wherever the output is cut into chunks."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import Failure

import filter
from replacer import BadConfig, Config
from report import reported


class Plugin(exports.Plugin):
    @reported
    def init(self, config: str) -> None:
        try:
            filter.config = Config.parse(config)
        except BadConfig as error:
            raise Err(Failure("bad-config", str(error)))
