// A policy that denies the commands of a list, whatever shell or wrapper they are run by.

import { judge, parseConfig } from "./deny-list.js";
import { reported } from "./report.js";

let config = { deny: [] };

export const plugin = reported({
  init(text) {
    config = parseConfig(text);
  },
});

export const policy = reported({
  // Not the words of the command: what they run, as far as the host can see through them.
  check(_command, invocation) {
    return judge(config, invocation.script());
  },
});
