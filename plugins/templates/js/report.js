// Exceptions that nobody has caught, as failures: one that leaves an export as it is would be a trap without a word.

import { log } from "weir:plugin/host@0.1.0";

/** So many calls are written to the log. */
const CALLS = 15;

/** Wraps all functions of an object or class that is exported. Type and text of an exception reach the author, with the
 * line; and the host's log, with the calls that led to it. */
export function reported(exported) {
  for (const owner of [exported, exported.prototype ?? {}]) {
    for (const name of Object.getOwnPropertyNames(owner)) {
      if (typeof owner[name] === "function" && name !== "constructor") owner[name] = wrapped(owner[name]);
    }
  }
  return exported;
}

function wrapped(call) {
  return function (...given) {
    try {
      return call.apply(this, given);
    } catch (error) {
      // `{ code, message }` is a failure already.
      if (!(error instanceof Error) && typeof error?.code === "string") throw error;
      const calls = error instanceof Error ? error.stack.trim().split("\n") : [];
      const places = calls.slice(0, CALLS).reverse();
      log("error", [...places.map((place) => `  at ${place}`), error].join("\n"));
      throw { code: "exception", message: [error, ...calls.slice(0, 1)].join(" at ") };
    }
  };
}
