"""The list, and what it says of a script. Nothing of the host is imported here, so that the tests run natively."""

import json


class BadConfig(Exception):
    """What is wrong with the configuration: reaches the person who wrote it."""


class DenyList:
    def __init__(self, deny: list[str]):
        self.deny = [(entry, entry.split()) for entry in deny]

    @classmethod
    def parse(cls, text: str) -> "DenyList":
        config = json.loads(text)
        for name in config:
            if name != "deny":
                raise BadConfig(f"expected `deny` alone, saw `{name}`")
        deny = config.get("deny", [])
        if not isinstance(deny, list):
            raise BadConfig(f"`deny`: expected an array, saw {json.dumps(deny)}")
        for index, entry in enumerate(deny):
            if not isinstance(entry, str) or not entry.split():
                raise BadConfig(f"`deny[{index}]`: expected the words of a command, saw {json.dumps(entry)}")
        return cls(deny)

    def judge(self, script) -> tuple[str, str | None, str | None]:
        """Verdict, rule and reason: denies if one of the commands is on the list, asks if one may be, and passes
        otherwise: others may know better."""
        unclear = None
        for command in script.commands:
            for entry, words in self.deny:
                match compare(command, words):
                    case "yes":
                        return "deny", entry, f"`{entry}` is on the list of denied commands"
                    case "perhaps":
                        unclear = entry
        if unclear is not None:
            return "ask", "unclear", f"this may run `{unclear}`, which is denied"
        if self.deny and script.opaque:
            return "ask", "opaque", f"what this runs cannot be seen: {script.opaque[0]}"
        return "pass", None, None


def compare(command, words: list[str]) -> str:
    """Compares word by word. The program may be written with a path."""
    for index, expected in enumerate(words):
        if index >= len(command.argv):
            return "no"
        word = command.argv[index]
        if not word.literal:
            # Only the shell will know.
            return "perhaps"
        text = word.text.rsplit("/", 1)[-1] if index == 0 else word.text
        if text != expected:
            return "no"
    return "yes"
