"""What weir.py relies on, against the `weir` of $WEIR_BIN."""
import os, tempfile, unittest

from weir import Weir

COMMAND = [os.environ.get("WEIR_BIN", "weir"), "--config", os.environ.get("WEIR_CONFIG", "../weir.toml")]


class Test(unittest.TestCase):
    def setUp(self):
        self.asked, self.answer = [], True
        self.weir = Weir(*COMMAND, ask=self.ask)

    def tearDown(self):
        # The end of its input is a shutdown in order.
        self.weir.host.stdin.close()
        self.assertEqual(self.weir.host.wait(20), 0)
        self.weir.host.stdout.close()

    def ask(self, question):
        self.asked.append(question["argv"])
        return self.answer

    def fails(self, kind, *argv):
        with self.assertRaises(RuntimeError) as caught:
            self.weir.start(*argv)
        self.assertEqual(caught.exception.args[0]["data"]["kind"], kind)

    def test_output_after_the_exit(self):
        with tempfile.TemporaryDirectory() as directory:
            os.mkfifo(gate := os.path.join(directory, "gate"))
            script = f"echo early; (read line < {gate}; echo late) & exit 3"
            seen = []
            for method, event in self.weir.start("sh", "-c", script)[1]:
                seen.append(event.get("text", event.get("exitCode")))
                if method == "process/exited":
                    self.assertEqual(event["streamsOpen"], ["stdout", "stderr"])
                    with open(gate, "w") as line:
                        line.write("\n")
            self.assertEqual(seen[:-1], ["early\n", 3, "late\n"])
            self.assertEqual((method, event["droppedBytes"]), ("process/closed", 0))

    def test_characters_of_several_bytes(self):
        text = "grüße, 世界 🌊\n"
        id, events = self.weir.start("cat", pipeStdin=True)
        self.weir.request("process/write", processId=id, text=text, close=True).result()
        self.assertEqual("".join(event.get("text", "") for _, event in events), text)

    def test_much_output(self):
        _, events = self.weir.start("sh", "-c", "yes 0123456789abcde | head -c 4194304")
        self.assertEqual(sum(len(event.get("text", "")) for _, event in events), 4194304)

    def test_whole_trees_end(self):
        id, events = self.weir.start("sh", "-c", "sleep 1000 & sleep 1000")
        end = self.weir.request("process/terminate", processId=id).result()
        self.assertEqual((end["running"], end["survivors"]), (True, []))
        self.assertEqual([method for method, _ in events], ["process/exited", "process/closed"])

    def test_failures(self):
        self.fails("spawnFailed", "no-such-program")
        self.fails("invalidParams")

    def test_cancelling(self):
        run = self.weir.request("process/run", argv=["sleep", "1000"])
        self.weir.send(method="$/cancelRequest", params={"id": run.id})
        self.assertEqual(run.exception().args[0]["code"], -32800)

    def test_asking(self):
        self.assertEqual(next(self.weir.start("tee", "/dev/null")[1])[1]["exitCode"], 0)
        self.assertEqual(self.asked, [["tee", "/dev/null"]])
        self.answer = False
        self.fails("policyDenied", "tee", "/dev/null")


if __name__ == "__main__":
    unittest.main()
