// Makes the component: the plugin, and a JavaScript engine that runs it.

import { writeFile } from "node:fs/promises";

import { componentize } from "@bytecodealliance/componentize-js";

const { component } = await componentize({
  sourcePath: "plugin.js",
  witPath: "wit",
  worldName: "@kind@-plugin",
  // What is not needed must not be imported: Weir grants no plugin a way out.
  disableFeatures: ["clocks", "fetch-event", "http", "random", "stdio"],
});
await writeFile("my-plugin.wasm", component);
