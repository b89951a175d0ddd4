// A client of Weir over vscode-jsonrpc: what an extension needs, with its types.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  type CancellationToken,
  createMessageConnection,
  type MessageConnection,
  NotificationType,
  RequestType,
  RequestType0,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";

export type Stream = "stdout" | "stderr" | "pty";

export interface StartParams {
  argv: string[];
  processId?: string;
  cwd?: string;
  env?: Record<string, string>;
  tty?: boolean | { cols: number; rows: number };
  pipeStdin?: boolean;
  timeoutMs?: number;
}
export interface StartResult {
  processId: string;
  pid: number;
  /** What really runs: a policy may have rewritten it. */
  argv: string[];
}
export interface RunResult extends StartResult {
  stdout: string;
  stderr: string;
  exitCode: number;
  cause: string;
  /** Where output is missing from the two strings, and how much. */
  cuts: { stream: Stream; atByte: number; bytes: number }[];
}
export interface Loss {
  fromSeq: number;
  toSeq: number;
  bytes: number;
}
export interface OutputEvent {
  processId: string;
  seq: number;
  stream: Stream;
  text: string;
  /** What is missing before this. */
  dropped?: Loss;
}
export interface ExitedEvent {
  processId: string;
  seq: number;
  exitCode: number;
  signal: string | null;
  cause: "exit" | "signal" | "timeout" | "idleTimeout" | "limit" | "terminated" | "lost";
  /** Not empty: somebody still holds them, and there may be more output. */
  streamsOpen: Stream[];
}
export interface ClosedEvent {
  processId: string;
  seq: number;
  totalBytes: number;
  droppedBytes: number;
}
export interface Question {
  processId: string;
  argv: string[];
  cwd: string;
  plugin?: string;
  rule?: string;
  question: string;
  timeoutMs: number;
}
export interface Answer {
  decision: "allow" | "deny";
  scope?: "once" | "session";
  reason?: string;
}
/** `error.data` of every error: `kind` is the word to match on. */
export interface ErrorData {
  kind: string;
  [member: string]: unknown;
}
type Empty = Record<string, never>;
type Named = { processId: string };
type Text = { outputEncoding: "utf8" };
type InitializeParams = { clientName: string; capabilities: { ask: boolean } };
type InitializeResult = { capabilities: { methods: string[] } };
type WaitParams = Named & { until: "exit" | "close"; timeoutMs?: number };
type WaitResult = { exited: boolean; closed: boolean; timedOut: boolean };
type WriteParams = Named & { text: string; close?: boolean };
type Terminated = { running: boolean; exitCode: number; survivors: number[] };

export const Initialize = new RequestType<InitializeParams, InitializeResult, ErrorData>("initialize");
export const Start = new RequestType<StartParams & Text, StartResult, ErrorData>("process/start");
export const Run = new RequestType<StartParams & Text, RunResult, ErrorData>("process/run");
export const Wait = new RequestType<WaitParams, WaitResult, ErrorData>("process/wait");
export const Write = new RequestType<WriteParams, { status: string }, ErrorData>("process/write");
export const Terminate = new RequestType<Named, Terminated, ErrorData>("process/terminate");
export const Shutdown = new RequestType0<null, ErrorData>("shutdown");
export const Ask = new RequestType<Question, Answer, void>("policy/ask");
export const Initialized = new NotificationType<Empty>("initialized");
export const Output = new NotificationType<OutputEvent>("process/output");
export const Exited = new NotificationType<ExitedEvent>("process/exited");
export const Closed = new NotificationType<ClosedEvent>("process/closed");
export const Exit = new NotificationType<void>("exit");

/** Who is told of a process. */
export interface Watcher {
  output?(event: OutputEvent): void;
  exited?(event: ExitedEvent): void;
  closed?(event: ClosedEvent): void;
}
/** Who is asked; the token says that the question was withdrawn. */
export type Asked = (question: Question, withdrawn: CancellationToken) => Answer | Promise<Answer>;

/** A host, and the connection to it. */
export class Weir {
  readonly connection: MessageConnection;
  /** What it offers. */
  methods: string[] = [];
  readonly #host: ChildProcess;
  readonly #watchers = new Map<string, Watcher>();
  #started = 0;

  private constructor(host: ChildProcess) {
    this.#host = host;
    const reader = new StreamMessageReader(host.stdout!);
    this.connection = createMessageConnection(reader, new StreamMessageWriter(host.stdin!));
    this.connection.onNotification(Output, (event) => this.#watchers.get(event.processId)?.output?.(event));
    this.connection.onNotification(Exited, (event) => this.#watchers.get(event.processId)?.exited?.(event));
    this.connection.onNotification(Closed, (event) => {
      this.#watchers.get(event.processId)?.closed?.(event);
      this.#watchers.delete(event.processId);
    });
  }

  /** Runs `weir`, or what starts it elsewhere: `ssh HOST weir`. */
  static async launch(command: string[], ask?: Asked): Promise<Weir> {
    const [program = "weir", ...args] = command;
    const host = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    await once(host, "spawn");
    const weir = new Weir(host);
    if (ask) weir.connection.onRequest(Ask, ask);
    weir.connection.listen();
    const { capabilities } = await weir.connection.sendRequest(Initialize, {
      clientName: "vscode-jsonrpc",
      capabilities: { ask: ask !== undefined },
    });
    weir.methods = capabilities.methods;
    await weir.connection.sendNotification(Initialized, {});
    return weir;
  }

  /** Starts a process. The watcher misses nothing: the id is known before the request is sent. */
  async start(params: StartParams, watcher: Watcher = {}, token?: CancellationToken): Promise<StartResult> {
    const processId = params.processId ?? `vscode-${++this.#started}`;
    this.#watchers.set(processId, watcher);
    try {
      return await this.connection.sendRequest(Start, { ...params, processId, outputEncoding: "utf8" }, token);
    } catch (error) {
      this.#watchers.delete(processId);
      throw error;
    }
  }

  /** Runs a command to the end of its output. Cancelling it ends its whole tree. */
  run(argv: string[], params: Partial<StartParams> = {}, token?: CancellationToken): Promise<RunResult> {
    return this.connection.sendRequest(Run, { ...params, argv, outputEncoding: "utf8" }, token);
  }

  write(processId: string, text: string, close = false): Promise<{ status: string }> {
    return this.connection.sendRequest(Write, { processId, text, close });
  }

  /** Ends the whole tree; answers when nothing of it is left. */
  terminate(processId: string): Promise<Terminated> {
    return this.connection.sendRequest(Terminate, { processId });
  }

  /** Stops every process and the host; gives the host's exit status. */
  async stop(): Promise<number | null> {
    const exited = once(this.#host, "exit");
    await this.connection.sendRequest(Shutdown);
    await this.connection.sendNotification(Exit);
    const [status] = (await exited) as [number | null];
    this.connection.dispose();
    return status;
  }
}
