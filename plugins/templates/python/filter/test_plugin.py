import unittest

from replacer import BadConfig, Config, Replacer


def run(text: bytes, cut: int) -> bytes:
    replacer = Replacer(Config.parse('{"find": "abab", "replace": "X"}'))
    output = b""
    for chunk in filter(None, [text[:cut], text[cut:]]):
        pushed = replacer.push(chunk)
        output += chunk if pushed is None else pushed
    return output + replacer.finish()


class ReplacerTest(unittest.TestCase):
    def test_the_result_does_not_depend_on_where_the_input_is_cut(self):
        for text, expected in [(b"ab abab ababab aba", b"ab X Xab aba"), (b"abaabab", b"abaX"), (b"none", b"none")]:
            for cut in range(len(text) + 1):
                self.assertEqual(run(text, cut), expected, f"{text} cut at {cut}")

    def test_a_bad_configuration_is_refused_by_name(self):
        for config, expected in [('{"fnd": "x"}', "fnd"), ('{"find": 1}', "find")]:
            with self.assertRaisesRegex(BadConfig, expected):
                Config.parse(config)


if __name__ == "__main__":
    unittest.main()
