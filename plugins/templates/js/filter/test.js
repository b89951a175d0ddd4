import assert from "node:assert/strict";
import { test } from "node:test";

import { Replacer, parseConfig } from "./replacer.js";

const config = parseConfig('{"find": "abab", "replace": "X"}');

function run(text, cut) {
  const input = new TextEncoder().encode(text);
  const replacer = new Replacer(config);
  const chunks = [input.subarray(0, cut), input.subarray(cut)].filter((chunk) => chunk.length > 0);
  const output = chunks.map((chunk) => replacer.push(chunk) ?? chunk);
  return Buffer.concat([...output, replacer.finish()]).toString();
}

test("the result does not depend on where the input is cut", () => {
  for (const [input, expected] of [["ab abab ababab aba", "ab X Xab aba"], ["abaabab", "abaX"], ["none", "none"]]) {
    for (let cut = 0; cut <= input.length; cut += 1) {
      assert.equal(run(input, cut), expected, `\`${input}\` cut at ${cut}`);
    }
  }
});

test("a bad configuration is refused by name", () => {
  assert.throws(() => parseConfig('{"fnd": "x"}'), { code: "bad-config", message: /fnd/ });
  assert.throws(() => parseConfig('{"find": 1}'), { code: "bad-config", message: /find/ });
});
