"""A policy that denies the commands of a list, whatever shell or wrapper they are run by."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.host import Invocation
from wit_world.imports.types import Command, Decision, Failure, Verdict

from deny_list import BadConfig, DenyList
from report import reported

deny_list = DenyList([])


class Plugin(exports.Plugin):
    @reported
    def init(self, config: str) -> None:
        global deny_list
        try:
            deny_list = DenyList.parse(config)
        except BadConfig as error:
            raise Err(Failure("bad-config", str(error)))


class Policy(exports.Policy):
    @reported
    def check(self, cmd: Command, inv: Invocation) -> Decision:
        # Not the words of the command: what they run, as far as the host can see through them.
        verdict, rule, reason = deny_list.judge(inv.script())
        return Decision(Verdict[verdict.upper()], reason, rule, None, [])
