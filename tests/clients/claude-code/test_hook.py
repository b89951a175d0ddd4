"""Claude Code itself, with a scripted model on loopback and `weir hook claude-code` as its hook: no account, no network."""
import json, os, shlex, subprocess, tempfile, unittest

from model import Model

WEIR = os.environ.get("WEIR_BIN", "weir")
CLAUDE = os.path.abspath("node_modules/.bin/claude")
RULES = """
[[plugin]]
source = "builtin:rules"
config = { allow = ["touch **"], ask = ["tee **"], deny = ["git push **"] }
"""
REWRITE = """
[[plugin]]
source = %s
config = { from = "bash", argv = ["bash", "-c", "touch instead"] }
"""


class Test(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.home, self.project = (os.path.join(directory.name, name) for name in ("home", "project"))
        os.makedirs(os.path.join(self.project, ".claude"))
        os.makedirs(self.home)

    def run_script(self, config, *commands):
        """Has the model want these commands; gives what it read of each. `files` is what is there then."""
        path = os.path.join(self.home, "weir.toml")
        with open(path, "w") as file:
            file.write(config)
        hook = {"type": "command", "command": shlex.join([WEIR, "hook", "claude-code", "--config", path])}
        with open(os.path.join(self.project, ".claude/settings.json"), "w") as file:
            json.dump({"hooks": {"PreToolUse": [{"matcher": "Bash|Monitor", "hooks": [hook]}]}}, file)
        with Model(commands) as model:
            environment = {
                "PATH": os.environ["PATH"], "HOME": self.home, "NO_PROXY": "127.0.0.1",
                "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", self.home),
                "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "none",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
            }
            claude = subprocess.run([CLAUDE, "-p", "go"], cwd=self.project, env=environment, text=True, timeout=280,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual((claude.returncode, claude.stdout), (0, "done\n"))
            self.assertEqual(len(model.results), len(commands))
            self.files = sorted(set(os.listdir(self.project)) - {".claude"})
            return model.results

    def test_the_policies_decide(self):
        allowed, denied, asked, unknown = self.run_script(
            RULES, "touch allowed", "cd . && git push origin main", "tee asked < /dev/null", "mkdir unknown")
        self.assertFalse(allowed[1], allowed)
        for (text, failed), reason in ((denied, "denies `git push origin main`"), (asked, "asks about `tee asked")):
            self.assertTrue(failed and reason in text, text)
        # Nobody has an opinion, so that its own rules hold: it would ask, and nobody is there.
        self.assertTrue(unknown[1], unknown)
        self.assertNotIn("rules", unknown[0])
        self.assertEqual(self.files, ["allowed"])

    def test_a_rewritten_command_runs_instead(self):
        fixture = os.path.join(os.environ["root"], "plugins/prebuilt/fixture-rewrite.wasm")
        [(text, failed)] = self.run_script(REWRITE % json.dumps(fixture), "touch asked-for")
        self.assertFalse(failed, text)
        self.assertEqual(self.files, ["instead"])

    def test_what_fails_blocks(self):
        [(text, failed)] = self.run_script("[[plugin]]\nsource = 7", "touch blocked")
        self.assertTrue(failed and "weir.toml:2" in text, text)
        self.assertEqual(self.files, [])


if __name__ == "__main__":
    unittest.main()
