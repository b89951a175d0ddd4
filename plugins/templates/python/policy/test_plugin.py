import unittest
from types import SimpleNamespace

from deny_list import BadConfig, DenyList


def script(text: str, opaque: list[str] = []):
    """Words that begin with `$` are not literal."""
    argv = [SimpleNamespace(text=word, literal=not word.startswith("$")) for word in text.split()]
    return SimpleNamespace(commands=[SimpleNamespace(argv=argv)], opaque=opaque)


class DenyListTest(unittest.TestCase):
    deny_list = DenyList.parse('{"deny": ["git push"]}')

    def test_a_command_of_the_list_is_denied_whatever_its_path(self):
        self.assertEqual(self.deny_list.judge(script("/usr/bin/git push origin"))[0], "deny")
        self.assertEqual(self.deny_list.judge(script("git status"))[0], "pass")

    def test_what_cannot_be_seen_is_asked_about(self):
        self.assertEqual(self.deny_list.judge(script("git $verb"))[0], "ask")
        self.assertEqual(self.deny_list.judge(script("python3 x.py", ["it runs a file"]))[0], "ask")

    def test_a_bad_configuration_is_refused_by_name(self):
        for config, expected in [('{"denny": []}', "denny"), ('{"deny": ["a", 1]}', r"deny\[1\]")]:
            with self.assertRaisesRegex(BadConfig, expected):
                DenyList.parse(config)


if __name__ == "__main__":
    unittest.main()
