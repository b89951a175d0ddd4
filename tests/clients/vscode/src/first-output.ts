// How long it takes from asking for a command to its first output: through Weir, and run directly by Node.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Weir } from "./weir.js";

const RUNS = Number(process.env.WEIR_RUNS ?? 50);
const argv = ["echo", "first"];

async function time(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

function median(times: number[]): string {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!.toFixed(1);
}

async function main() {
  const weir = await Weir.launch([process.env.WEIR_BIN ?? "weir", "--no-config"]);
  const through: number[] = [];
  const directly: number[] = [];
  // In turns, so that whatever else the machine does meets both.
  for (let run = 0; run < RUNS; run++) {
    through.push(await time(() => new Promise<void>((output) => void weir.start({ argv }, { output: () => output() }))));
    directly.push(await time(() => once(spawn(argv[0]!, argv.slice(1)).stdout, "data")));
  }
  await weir.stop();
  console.log(`first output: ${median(through)} ms through Weir, ${median(directly)} ms directly (median of ${RUNS})`);
}
void main();
