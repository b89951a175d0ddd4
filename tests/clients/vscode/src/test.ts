// What an extension relies on, against the `weir` of $WEIR_BIN.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { CancellationTokenSource, ResponseError } from "vscode-jsonrpc/node";
import { type Answer, type ClosedEvent, type ErrorData, type ExitedEvent, type Question, Wait, Weir } from "./weir.js";

const config = resolve(process.env.WEIR_CONFIG ?? "../weir.toml");
const command = [process.env.WEIR_BIN ?? "weir", "--config", config];
/** The answer to the next question, and what was asked. */
let answer: (question: Question, withdrawn: AbortSignal) => Answer | Promise<Answer>;
let weir: Weir;
let directory: string;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "weir-vscode-"));
  weir = await Weir.launch(command, (question, token) => {
    const withdrawn = new AbortController();
    token.onCancellationRequested(() => withdrawn.abort());
    return answer(question, withdrawn.signal);
  });
});
after(async () => {
  rmSync(directory, { recursive: true });
  assert.equal(await weir.stop(), 0);
});

/** A promise, and what keeps it. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((keep) => (resolve = keep));
  return { promise, resolve };
}

/** Follows a process to its close. */
async function follow(argv: string[], exited?: (event: ExitedEvent) => void) {
  const closed = deferred<ClosedEvent>();
  const events: string[] = [];
  await weir.start({ argv }, {
    output: (event) => events.push(event.text),
    exited: (event) => {
      events.push(`exited ${event.exitCode}`);
      exited?.(event);
    },
    closed: closed.resolve,
  });
  return { events, closed: await closed.promise };
}

function failure(kind: string) {
  return (error: unknown) => error instanceof ResponseError && (error as ResponseError<ErrorData>).data?.kind === kind;
}

describe("a process", () => {
  test("is told of to the end of its output, which is not its exit", async () => {
    const gate = join(directory, "gate");
    execFileSync("mkfifo", [gate]);
    const script = `echo early; (read line < ${gate}; echo late) & exit 3`;
    const { events, closed } = await follow(["sh", "-c", script], (event) => {
      assert.deepEqual(event.streamsOpen, ["stdout", "stderr"]);
      writeFileSync(gate, "\n");
    });
    assert.deepEqual(events, ["early\n", "exited 3", "late\n"]);
    assert.equal(closed.droppedBytes, 0);
  });

  test("is written to, in characters of several bytes", async () => {
    const closed = deferred<void>();
    let text = "";
    const { processId } = await weir.start({ argv: ["cat"], pipeStdin: true }, {
      output: (event) => (text += event.text),
      closed: () => closed.resolve(),
    });
    assert.deepEqual(await weir.write(processId, "grüße, 世界 🌊\n", true), { status: "accepted" });
    await closed.promise;
    assert.equal(text, "grüße, 世界 🌊\n");
  });

  test("of much output arrives whole", async () => {
    const { events, closed } = await follow(["sh", "-c", "yes 0123456789abcde | head -c 4194304"]);
    const text = events.slice(0, -1).join("");
    assert.deepEqual([text.length, closed.totalBytes, closed.droppedBytes], [4194304, 4194304, 0]);
    assert.ok(text === "0123456789abcde\n".repeat(262144));
  });

  test("is ended with its tree", async () => {
    const closed = deferred<void>();
    const argv = ["sh", "-c", "sleep 1000 & sleep 1000"];
    const { processId } = await weir.start({ argv }, { closed: () => closed.resolve() });
    const { running, exitCode, survivors } = await weir.terminate(processId);
    assert.deepEqual({ running, exitCode, survivors }, { running: true, exitCode: 143, survivors: [] });
    await closed.promise;
  });

  test("that cannot be started says why", async () => {
    await assert.rejects(weir.start({ argv: ["no-such-program"] }), failure("spawnFailed"));
    await assert.rejects(weir.run([]), failure("invalidParams"));
  });
});

describe("cancelling", () => {
  test("a request that waits leaves the process alone", async () => {
    const { processId } = await weir.start({ argv: ["sleep", "1000"] });
    const source = new CancellationTokenSource();
    const waiting = weir.connection.sendRequest(Wait, { processId, until: "close" }, source.token);
    source.cancel();
    await assert.rejects(waiting, { code: -32800 });
    assert.equal((await weir.terminate(processId)).running, true);
  });

  test("a run ends its tree", async () => {
    // Whoever reads the gate sees its end when the last process of the tree is gone.
    const gate = join(directory, "runs");
    execFileSync("mkfifo", [gate]);
    const source = new CancellationTokenSource();
    const running = weir.run(["sh", "-c", `exec >${gate}; echo runs; sleep 1000 & sleep 1000`], {}, source.token);
    const cancelled = assert.rejects(running, { code: -32800 });
    const gone = deferred<void>();
    await weir.start({ argv: ["cat", gate] }, { output: () => source.cancel(), closed: () => gone.resolve() });
    await Promise.all([cancelled, gone.promise]);
  });
});

describe("what a policy asks about", () => {
  test("runs if the answer is yes", async () => {
    const questions: Question[] = [];
    answer = (question) => {
      questions.push(question);
      return { decision: "allow" };
    };
    const { exitCode } = await weir.run(["tee", join(directory, "allowed")]);
    assert.equal(exitCode, 0);
    assert.deepEqual(questions.map(({ argv, plugin }) => [argv[0], plugin]), [["tee", "rules"]]);
  });

  test("does not run if the answer is no", async () => {
    answer = () => ({ decision: "deny", reason: "not in this editor" });
    await assert.rejects(weir.run(["tee", "denied"]), (error) => {
      return failure("policyDenied")(error) && /not in this editor/.test(String(error));
    });
  });

  test("is asked no more when the start is cancelled", async () => {
    const asked = deferred<void>();
    const withdrawn = deferred<void>();
    answer = (_, signal) => {
      asked.resolve();
      return new Promise((answered) => {
        signal.addEventListener("abort", () => {
          withdrawn.resolve();
          answered({ decision: "deny" });
        });
      });
    };
    const source = new CancellationTokenSource();
    const starting = weir.start({ argv: ["tee", "never"] }, {}, source.token);
    const cancelled = assert.rejects(starting, { code: -32800 });
    await asked.promise;
    source.cancel();
    await Promise.all([cancelled, withdrawn.promise]);
  });
});
