import unittest

from findings import Findings, UnknownMember, refuse_members


class FindingsTest(unittest.TestCase):
    def test_findings_have_their_place_however_the_output_is_cut(self):
        output = b"cc -c a.c\nsrc/a.c:3:7: error: expected x\nb.c:1:2: warning: unused\n"
        for cut in range(len(output)):
            findings = Findings()
            findings.push("stderr", output[:cut])
            findings.push("stderr", output[cut:])
            findings.end("stderr")
            places = [(found.path, found.line, found.column, found.at) for found in findings.found]
            self.assertEqual(places, [("src/a.c", 3, 7, ("stderr", 10)), ("b.c", 1, 2, ("stderr", 41))])
            self.assertTrue(findings.text().startswith("# errors: 1, warnings: 1\nsrc/a.c:3:7: error"))

    def test_other_output_has_no_findings(self):
        findings = Findings()
        findings.push("stdout", b"error: no place\na:b:c: error: no numbers\n")
        findings.end("stdout")
        self.assertEqual(findings.found, [])

    def test_unknown_members_are_refused_by_name(self):
        with self.assertRaisesRegex(UnknownMember, "`x`"):
            refuse_members('{"x": 1}')


if __name__ == "__main__":
    unittest.main()
