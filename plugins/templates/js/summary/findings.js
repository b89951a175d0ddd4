// Lines such as `src/a.c:3:7: error: expected ';'`. Nothing of the host is called here, so that `npm test` runs it in
// Node.

/** Lines that are longer are no findings. */
const LINE_MAX = 4096;
const NEWLINE = 10;

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
    // The line that has not ended yet, with its length and its place in the channel.
    this.line = [];
    this.length = 0;
    this.at = 0n;
  }

  /** The next bytes of a channel. */
  push(channel, bytes) {
    let from = 0;
    for (let end; (end = bytes.indexOf(NEWLINE, from)) >= 0; from = end + 1) {
      this.add(bytes.subarray(from, end));
      this.endLine(channel, 1);
    }
    this.add(bytes.slice(from));
  }

  /** The channel has no more. */
  end(channel) {
    this.endLine(channel, 0);
    this.at = 0n;
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

  add(bytes) {
    if (this.length < LINE_MAX) this.line.push(...bytes.subarray(0, LINE_MAX - this.length));
    this.length += bytes.length;
  }

  endLine(channel, ending) {
    if (this.length < LINE_MAX) {
      const line = new TextDecoder().decode(new Uint8Array(this.line)).replace(/\r+$/, "");
      const found = parse(line);
      if (found !== undefined) {
        this.diagnostics.push({ ...found, at: [channel, this.at] });
        this.lines.push(line);
      }
    }
    this.at += BigInt(this.length + ending);
    this.line = [];
    this.length = 0;
  }
}

/** `path:line:column: severity: message` */
function parse(line) {
  const parts = /^(.+?):(\d+):(\d+): (error|warning): (.*)$/.exec(line);
  if (parts === null) return undefined;
  const [, path, number, column, severity, message] = parts;
  return { severity, message, path, line: Number(number), column: Number(column), code: undefined };
}
