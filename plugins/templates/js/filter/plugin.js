// A filter that replaces a text by another, wherever the output is cut into chunks.

import { Replacer, parseConfig } from "./replacer.js";
import { reported } from "./report.js";

let config = parseConfig("{}");

export const plugin = reported({
  init(text) {
    config = parseConfig(text);
  },
});

/** One stream. */
class FilterStream {
  constructor(replacer) {
    this.replacer = replacer;
  }

  static open(_context) {
    // Nothing to look for: not for this filter, and the stream costs nothing from here on.
    return config.find.length === 0 ? undefined : new FilterStream(new Replacer(config));
  }

  push(chunk) {
    const bytes = this.replacer.push(chunk);
    return bytes === undefined ? { tag: "unchanged" } : { tag: "bytes", val: bytes };
  }

  // A filter that waits for whole lines would give the line that it has so far. This one holds nothing but a beginning
  // of what it looks for: given now, it could not be replaced any more.
  idle() {
    return new Uint8Array();
  }

  static finish(stream) {
    return stream.replacer.finish();
  }
}

export const filter = { FilterStream: reported(FilterStream) };
