import assert from "node:assert/strict";
import { test } from "node:test";

import { judge, parseConfig } from "./deny-list.js";

const config = parseConfig('{"deny": ["git push"]}');
// Words that begin with `$` are not literal.
const script = (text, opaque = []) => {
  const argv = text.split(" ").map((word) => ({ text: word, literal: !word.startsWith("$") }));
  return { commands: [{ argv }], opaque };
};

test("a command of the list is denied, whatever its path", () => {
  assert.equal(judge(config, script("/usr/bin/git push origin")).verdict, "deny");
  assert.equal(judge(config, script("git status")).verdict, "pass");
});

test("what cannot be seen is asked about", () => {
  assert.equal(judge(config, script("git $verb")).verdict, "ask");
  assert.equal(judge(config, script("python3 x.py", ["it runs a file"])).verdict, "ask");
});

test("a bad configuration is refused by name", () => {
  assert.throws(() => parseConfig('{"denny": []}'), { code: "bad-config", message: /denny/ });
  assert.throws(() => parseConfig('{"deny": ["a", 1]}'), { code: "bad-config", message: /deny\[1\]/ });
});
