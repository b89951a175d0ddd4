// Lines such as `src/a.c:3:7: error: expected ';'`. Nothing of the host is called here, so that `npm test` runs it in
// Node.

/** Lines that are longer are no findings. */
const LINE_MAX = 4096;
/** `path:line:column: severity: message`, a whole line. */
const FINDING = /(?<=^|\n)([^\n]+?):(\d+):(\d+): (error|warning): ([^\n]*)/g;
/** What a call takes as arguments at once. */
const PIECE = 8192;

/** There is nothing to configure: refuses every member. */
export function refuseMembers(code, text) {
  for (const name of Object.keys(JSON.parse(text))) {
    throw { code, message: `expected no members, saw \`${name}\`` };
  }
}

/** What was found so far. */
export class Findings {
  constructor() {
    this.lines = [];
    this.diagnostics = [];
    // The line that has not ended yet, a character for each byte, and its place in the channel.
    this.held = "";
    this.at = 0;
    // Whether that line is too long already: the rest of it is passed over.
    this.tooLong = false;
  }

  /** The next bytes of a channel. */
  push(channel, bytes) {
    // An engine searches strings a hundred times as fast as a loop over bytes does, and places stay those of bytes.
    const text = this.held + characters(bytes);
    const end = text.lastIndexOf("\n") + 1;
    this.scan(channel, text.slice(0, end));
    this.held = text.slice(end);
    if (this.held.length > LINE_MAX) {
      this.at += this.held.length;
      this.held = "";
      this.tooLong = true;
    }
  }

  /** The channel has no more. */
  end(channel) {
    this.scan(channel, this.held);
    this.held = "";
    this.at = 0;
    this.tooLong = false;
  }

  /** Undefined if this was no output with findings. */
  report() {
    if (this.diagnostics.length === 0) return undefined;
    const count = (severity) => this.diagnostics.filter((found) => found.severity === severity).length;
    const [errors, warnings] = [count("error"), count("warning")];
    // Lines of the output stand as they are; the summary's own begin with `# `.
    const text = [`# errors: ${errors}, warnings: ${warnings}`, ...this.lines, ""].join("\n");
    return { text, diagnostics: this.diagnostics, notes: [["errors", `${errors}`], ["warnings", `${warnings}`]] };
  }

  /** Looks at whole lines. */
  scan(channel, text) {
    const from = this.tooLong ? text.indexOf("\n") + 1 : 0;
    if (text.length > 0) this.tooLong = false;
    for (const found of text.matchAll(FINDING)) {
      if (found.index < from || found[0].length > LINE_MAX) continue;
      const [line, path, number, column, severity, message] = found.map(decoded);
      const at = [channel, BigInt(this.at + found.index)];
      this.lines.push(line);
      this.diagnostics.push({ severity, message, path, line: Number(number), column: Number(column), at });
    }
    this.at += text.length;
  }
}

/** A character for each byte. */
function characters(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + PIECE));
  }
  return text;
}

/** The text that such characters stand for, without the carriage returns at its end. */
function decoded(text) {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes).replace(/\r+$/, "");
}
