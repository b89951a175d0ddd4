import assert from "node:assert/strict";
import { test } from "node:test";

import { Findings, refuseMembers } from "./findings.js";

test("findings have their place however the output is cut", () => {
  const output = new TextEncoder().encode("cc -c a.c\nsrc/a.c:3:7: error: expected x\nb.c:1:2: warning: unused\n");
  for (let cut = 0; cut < output.length; cut += 1) {
    const findings = new Findings();
    findings.push("stderr", output.subarray(0, cut));
    findings.push("stderr", output.subarray(cut));
    findings.end("stderr");
    const { text, diagnostics } = findings.report();
    assert.match(text, /^# errors: 1, warnings: 1\nsrc\/a.c:3:7: error/);
    assert.deepEqual(diagnostics.map(({ path, line, column, at }) => [path, line, column, at]), [
      ["src/a.c", 3, 7, ["stderr", 10n]],
      ["b.c", 1, 2, ["stderr", 41n]],
    ]);
  }
});

test("lines that are too long are passed over, and places after them are right", () => {
  const output = new TextEncoder().encode(`${"x".repeat(9000)}:1:1: error: no\na.c:1:2: error: “yes”\r\n`);
  for (const size of [1000, 5000, output.length]) {
    const findings = new Findings();
    for (let at = 0; at < output.length; at += size) findings.push("stdout", output.subarray(at, at + size));
    findings.end("stdout");
    const [found, ...others] = findings.report().diagnostics;
    assert.deepEqual([found.message, found.at, others], ["“yes”", ["stdout", 9016n], []], `${size}`);
  }
});

test("other output has no report", () => {
  const findings = new Findings();
  findings.push("stdout", new TextEncoder().encode("error: no place\na:b:c: error: no numbers\n"));
  findings.end("stdout");
  assert.equal(findings.report(), undefined);
});

test("unknown members are refused by name", () => {
  assert.throws(() => refuseMembers("bad-config", '{"x": 1}'), { code: "bad-config", message: /x/ });
});
