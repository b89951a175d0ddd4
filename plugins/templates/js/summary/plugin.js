// A summary of what compilers say: errors and warnings with their places.

import { Findings, refuseMembers } from "./findings.js";
import { reported } from "./report.js";

/** What is read at once. */
const PAGE = 256 * 1024;

export const plugin = reported({
  init(text) {
    refuseMembers("bad-config", text);
  },
});

export const summary = reported({
  summarize(output, options) {
    refuseMembers("bad-options", options);
    const findings = new Findings();
    for (const channel of output.channels()) {
      // Page by page: what was printed may be larger than this plugin's memory.
      const size = output.size(channel);
      for (let offset = 0n; offset < size; ) {
        const page = output.read(channel, offset, PAGE);
        if (page.length === 0) break;
        offset += BigInt(page.length);
        findings.push(channel, page);
      }
      findings.end(channel);
    }
    return findings.report();
  },
});
