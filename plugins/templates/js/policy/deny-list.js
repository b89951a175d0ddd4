// The list, and what it says of a script. Nothing of the host is called here, so that `npm test` runs it in Node.

/** Reads the configuration; what is thrown reaches the person who wrote it. */
export function parseConfig(text) {
  const { deny = [], ...unknown } = JSON.parse(text);
  for (const name of Object.keys(unknown)) {
    throw badConfig(`expected \`deny\` alone, saw \`${name}\``);
  }
  if (!Array.isArray(deny)) throw badConfig(`\`deny\`: expected an array, saw ${JSON.stringify(deny)}`);
  deny.forEach((entry, index) => {
    if (typeof entry !== "string" || entry.trim() === "") {
      throw badConfig(`\`deny[${index}]\`: expected the words of a command, saw ${JSON.stringify(entry)}`);
    }
  });
  return { deny };
}

/** Denies if one of the commands is on the list, asks if one may be, and passes otherwise: others may know better. */
export function judge({ deny }, script) {
  let unclear;
  for (const command of script.commands) {
    for (const entry of deny) {
      const match = compare(command, entry);
      if (match === "yes") return decision("deny", entry, `\`${entry}\` is on the list of denied commands`);
      if (match === "perhaps") unclear = entry;
    }
  }
  if (unclear !== undefined) return decision("ask", "unclear", `this may run \`${unclear}\`, which is denied`);
  if (deny.length > 0 && script.opaque.length > 0) {
    return decision("ask", "opaque", `what this runs cannot be seen: ${script.opaque[0]}`);
  }
  return decision("pass");
}

/** Compares word by word. The program may be written with a path. */
function compare(command, entry) {
  for (const [index, expected] of entry.trim().split(/\s+/).entries()) {
    const word = command.argv[index];
    if (word === undefined) return "no";
    // Only the shell will know.
    if (!word.literal) return "perhaps";
    const text = index === 0 ? word.text.split("/").at(-1) : word.text;
    if (text !== expected) return "no";
  }
  return "yes";
}

function decision(verdict, rule, reason) {
  return { verdict, rule, reason, patch: undefined, notes: [] };
}

function badConfig(message) {
  return { code: "bad-config", message };
}
