// Dumont and the provider sandbox on free ports, with their data in a folder of their own.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Person } from "./person.ts";
import { freePort, Program } from "./program.ts";
import { type Customer, Sandbox } from "./sandbox.ts";

/** What a person may be without. */
export interface PersonOptions {
  /** Neither key nor service account is stored. */
  bare?: boolean;
  /** Dollars at Vast.ai. */
  credit?: number;
}

const root = resolve(import.meta.dirname, "../..");

function binary(variable: string, name: string): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
  return process.env[variable] ?? join(target, "release", name);
}

/** The sandbox's first line of JSON on its standard output, once it is there. */
function readyLine(output: string): { url: string; standby_port: number } | undefined {
  for (const line of output.split("\n").slice(0, -1)) {
    if (line.startsWith('{"')) {
      const found = JSON.parse(line);
      if (typeof found.url === "string") return found;
    }
  }
  return undefined;
}

async function answers(url: string): Promise<true | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return response.ok ? true : undefined;
  } catch {
    return undefined;
  }
}

export class Stack {
  #server: Program | undefined;
  #people = 0;

  private constructor(
    readonly folder: string,
    readonly url: string,
    readonly sandbox: Sandbox,
    private readonly played: Program,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Starts both, with no account yet; `more` is told to Dumont besides. */
  static async start(more: NodeJS.ProcessEnv = {}): Promise<Stack> {
    const folder = mkdtempSync(join(tmpdir(), "dumont-end2end-"));
    let played: Program | undefined;
    try {
      played = Program.start(
        "dumont-sandbox",
        binary("DUMONT_SANDBOX_BIN", "dumont-sandbox"),
        // A standby port of its own keeps it apart from another sandbox on this machine.
        ["--listen", "127.0.0.1:0", "--data", join(folder, "sandbox"), "--profile", "instant",
          "--standby-port", String(await freePort())],
        process.env,
        join(folder, "sandbox.log"),
      );
      const { log } = played;
      const ready = await played.until("listening", async () => readyLine(Program.output(log)));
      const port = await freePort();
      const env: NodeJS.ProcessEnv = {
        ...process.env,
        DUMONT_LISTEN: `127.0.0.1:${port}`,
        DUMONT_DATABASE_URL: `sqlite://${join(folder, "dumont.db")}`,
        DUMONT_MASTER_KEY_FILE: join(folder, "master.key"),
        DUMONT_VAST_URL: ready.url,
        DUMONT_GCP_ENDPOINT: ready.url,
        DUMONT_STANDBY_SSH_PORT: String(ready.standby_port),
        DUMONT_VAST_LIMITS: "false",
        LEPTOS_OUTPUT_NAME: "dumont",
        LEPTOS_SITE_ROOT: process.env.LEPTOS_SITE_ROOT ?? join(root, "target/site"),
        ...more,
      };
      const stack = new Stack(folder, `http://127.0.0.1:${port}`, new Sandbox(ready.url), played, env);
      await stack.startServer();
      return stack;
    } catch (error) {
      await played?.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Where the first account is made, as the server printed it. */
  get setupAddress(): string {
    const printed = /make the first account at (\S+)/.exec(Program.output(join(this.folder, "server.log")));
    if (printed?.[1] === undefined) throw new Error("no address for the first account was printed");
    return printed[1];
  }

  async startServer(): Promise<void> {
    const server = Program.start("dumont", binary("DUMONT_BIN", "dumont"), ["serve"], this.env, join(this.folder, "server.log"));
    this.#server = server;
    await server.until("ready", () => answers(`${this.url}/readyz`));
  }

  async stopServer(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** Stops both programs and removes their data. */
  async stop(): Promise<void> {
    await this.stopServer();
    await this.played.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An account with a name of its own, at Dumont and at both providers. */
  async person(options: PersonOptions = {}): Promise<Person> {
    const customer: Customer = await this.sandbox.customer(options.credit);
    this.#people += 1;
    const name = `person${this.#people}`;
    const email = `${name}@dumont.local`;
    const password = randomBytes(18).toString("base64url");
    await this.command(["user", "create", "--email", email, "--username", name, "--password-stdin"], password);
    const token = await this.command(["token", "create", "--email", email, "--name", "end2end", "--scope", "admin"]);
    const person = new Person(this, name, email, password, token, customer);
    if (!options.bare) await person.storeCredentials();
    return person;
  }

  /** A path in the workspace of a GPU's host, as someone who is logged in there sees it. */
  workspace(gpu: number, path: string): string {
    const hosts = join(this.folder, "sandbox/hosts");
    const name = readdirSync(hosts).find((one) => one.includes(String(gpu)));
    if (name === undefined) throw new Error(`no host of ${gpu}`);
    const plain = join(hosts, name, "workspace");
    return join(existsSync(plain) ? plain : join(hosts, name, "root/workspace"), path);
  }

  /** Runs Dumont's command line to its end; gives what it printed. */
  command(args: string[], input = ""): Promise<string> {
    return new Promise((done, failed) => {
      const child = execFile(binary("DUMONT_BIN", "dumont"), args, { env: this.env, timeout: 60_000 }, (error, stdout, stderr) => {
        if (error) failed(new Error(`dumont ${args[0]} ${args[1]}: ${error.message}\n${stderr}`));
        else done(stdout.trim());
      });
      // One that needs no input may be over before it is given any; its exit code says how it went.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(input);
    });
  }
}
