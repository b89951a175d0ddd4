// Replacing, chunk by chunk. Nothing of the host is called here, so that `npm test` runs it in Node.

const encoder = new TextEncoder();

/** Reads the configuration; what is thrown reaches the person who wrote it. */
export function parseConfig(text) {
  const { find = "", replace = "", ...unknown } = JSON.parse(text);
  for (const name of Object.keys(unknown)) {
    throw badConfig(`expected \`find\` and \`replace\`, saw \`${name}\``);
  }
  for (const [name, value] of Object.entries({ find, replace })) {
    if (typeof value !== "string") throw badConfig(`\`${name}\`: expected a string, saw ${JSON.stringify(value)}`);
  }
  return { find: encoder.encode(find), replace: encoder.encode(replace) };
}

/** One stream on its way. Output is bytes: it need not be text, and a chunk may end within a character. */
export class Replacer {
  constructor({ find, replace }) {
    this.find = find;
    this.replace = replace;
    // The end of what came so far, as far as it is a beginning of what is looked for.
    this.held = new Uint8Array();
  }

  /** What to pass on for `chunk`; undefined for the chunk as it is, which saves copying it. */
  push(chunk) {
    const input = this.held.length === 0 ? chunk : concat([this.held, chunk]);
    const output = [];
    let done = 0;
    for (let found; (found = indexOf(input, this.find, done)) >= 0; done = found + this.find.length) {
      output.push(input.subarray(done, found), this.replace);
    }
    const end = input.length - beginningAtEnd(input, done, this.find);
    if (done === 0 && end === chunk.length && this.held.length === 0) return undefined;
    output.push(input.subarray(done, end));
    this.held = input.slice(end);
    return concat(output);
  }

  /** The rest: what was held back is nothing but itself now. */
  finish() {
    return this.held;
  }
}

/** The first place of `needle` from `from` on; -1 if there is none. */
function indexOf(bytes, needle, from) {
  for (let at = from; (at = bytes.indexOf(needle[0], at)) >= 0; at += 1) {
    if (startsAt(bytes, at, needle, needle.length)) return at;
  }
  return -1;
}

/** Length of the longest end of `bytes`, from `from` on, that `needle` begins with. */
function beginningAtEnd(bytes, from, needle) {
  let length = Math.min(bytes.length - from, needle.length - 1);
  while (length > 0 && !startsAt(bytes, bytes.length - length, needle, length)) length -= 1;
  return length;
}

function startsAt(bytes, at, needle, length) {
  if (at + length > bytes.length) return false;
  for (let index = 0; index < length; index += 1) {
    if (bytes[at + index] !== needle[index]) return false;
  }
  return true;
}

function concat(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function badConfig(message) {
  return { code: "bad-config", message };
}
