// A program that a test run starts: its output in a log, and its end by its own pid.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export class Program {
  private constructor(
    readonly name: string,
    readonly log: string,
    private readonly child: ChildProcess,
  ) {}

  /** Starts it; standard output and error go to `log`. */
  static start(name: string, file: string, args: string[], env: NodeJS.ProcessEnv, log: string): Program {
    const output = openSync(log, "a");
    try {
      const child = spawn(file, args, { env, stdio: ["ignore", output, output] });
      // A program that can't be started shows in `alive`; its error must not be unhandled.
      child.on("error", () => undefined);
      return new Program(name, log, child);
    } finally {
      closeSync(output);
    }
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get alive(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What a program has written to this log. */
  static output(log: string): string {
    return readFileSync(log, "utf8");
  }

  /** Polls until `ready` gives a value; fails with the log when the program ends or time is up. */
  async until<T>(what: string, ready: () => Promise<T | undefined>, milliseconds = 30_000): Promise<T> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const value = await ready();
      if (value !== undefined) return value;
      const ended = !this.alive;
      if (ended || Date.now() > deadline) {
        const why = ended ? "has ended" : "took too long";
        throw new Error(`${this.name}: ${what}: it ${why}\n${Program.output(this.log).slice(-4000)}`);
      }
      await pause(50);
    }
  }

  /** Asks it to end, insists after ten seconds, and returns when it is gone. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    const gone = new Promise<void>((resolve) => this.child.once("exit", () => resolve()));
    this.child.kill("SIGTERM");
    const insist = setTimeout(() => this.child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(insist);
  }
}

/** A port of 127.0.0.1 that nothing listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("the system gave no port"));
      });
    });
  });
}
