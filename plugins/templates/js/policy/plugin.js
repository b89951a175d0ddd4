// A policy that denies the commands of a list, whatever shell or wrapper they are run by.

import { judge, parseConfig } from "./deny-list.js";

let config = { deny: [] };

export const plugin = {
  init(text) {
    config = parseConfig(text);
  },
};

export const policy = {
  // Not the words of the command: what they run, as far as the host can see through them.
  check(_command, invocation) {
    return judge(config, invocation.script());
  },
};
