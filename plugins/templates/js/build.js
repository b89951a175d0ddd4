// Makes the component: the plugin, and a JavaScript engine that runs it.

import { writeFile } from "node:fs/promises";

import { componentize } from "@bytecodealliance/componentize-js";

const { component } = await componentize({
  sourcePath: "plugin.js",
  witPath: "wit",
  worldName: "@kind@-plugin",
  // What is not needed must not be imported: Weir grants no plugin a way out. `stdio` stays: what the engine says of a
  // fault goes to the host's log, and so does `console.log`.
  disableFeatures: ["clocks", "fetch-event", "http", "random"],
});
await writeFile("my-plugin.wasm", component);
