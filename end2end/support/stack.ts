// Dumont and the provider sandbox on free ports, with their data in a folder of their
// own. One account with credentials, unless an empty install is asked for.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort, Program } from "./program.ts";

/** What a test needs to know of a running stack. */
export interface Access {
  url: string;
  sandboxUrl: string;
  email: string;
  password: string;
  apiToken: string;
}

export interface StackOptions {
  /** No account and no credentials: what a new user meets. */
  empty?: boolean;
  /** The sandbox's latencies; `instant` unless told otherwise. */
  profile?: "instant" | "typical" | "reference";
}

export interface Stack extends Access {
  /** Stops both programs and removes their data. */
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, "../..");

function binary(variable: string, name: string): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
  return process.env[variable] ?? join(target, "release", name);
}

/** Runs Dumont's command line to its end; returns what it printed. */
function command(file: string, args: string[], env: NodeJS.ProcessEnv, input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`dumont ${args[0]} ${args[1]}: ${error.message}\n${stderr}`));
      else resolve(stdout.trim());
    });
    child.stdin?.end(input);
  });
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

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "dumont-end2end-"));
  const started: Program[] = [];
  const stop = async () => {
    for (const program of started.reverse()) await program.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await launch(folder, started, options)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function launch(folder: string, started: Program[], options: StackOptions): Promise<Access> {
  const data = join(folder, "sandbox");
  const sandbox = Program.start(
    "dumont-sandbox",
    binary("DUMONT_SANDBOX_BIN", "dumont-sandbox"),
    // A standby port of its own keeps it apart from another sandbox on this machine.
    ["--listen", "127.0.0.1:0", "--data", data, "--profile", options.profile ?? "instant",
      "--standby-port", String(await freePort())],
    process.env,
    join(folder, "sandbox.log"),
  );
  started.push(sandbox);
  const ready = await sandbox.until("listening", async () => readyLine(sandbox.output()));

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const dumont = binary("DUMONT_BIN", "dumont");
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    DUMONT_LISTEN: `127.0.0.1:${port}`,
    DUMONT_DATABASE_URL: `sqlite://${join(folder, "dumont.db")}`,
    DUMONT_MASTER_KEY_FILE: join(folder, "master.key"),
    DUMONT_VAST_URL: ready.url,
    DUMONT_GCP_ENDPOINT: ready.url,
    DUMONT_STANDBY_SSH_PORT: String(ready.standby_port),
    LEPTOS_OUTPUT_NAME: "dumont",
    LEPTOS_SITE_ROOT: process.env.LEPTOS_SITE_ROOT ?? join(root, "target/site"),
  };

  const access: Access = { url, sandboxUrl: ready.url, email: "", password: "", apiToken: "" };
  if (!options.empty) Object.assign(access, await firstAccount(dumont, env, data, folder));

  const server = Program.start("dumont", dumont, ["serve"], env, join(folder, "server.log"));
  started.push(server);
  await server.until("ready", () => answers(`${url}/readyz`));
  return access;
}

async function firstAccount(dumont: string, env: NodeJS.ProcessEnv, data: string, folder: string) {
  const email = "owner@dumont.local";
  const password = randomBytes(18).toString("base64url");
  await command(dumont, ["user", "create", "--email", email, "--username", "owner", "--password-stdin"], env, password);

  const secrets = JSON.parse(readFileSync(join(data, "credentials.json"), "utf8"));
  const vast = join(folder, "vast.key");
  const gcp = join(folder, "gcp.json");
  writeFileSync(vast, secrets.vast_api_key, { mode: 0o600 });
  writeFileSync(gcp, JSON.stringify(secrets.gcp_service_account), { mode: 0o600 });
  await command(dumont, ["credentials", "set", "--email", email, "--vast-key-file", vast, "--gcp-file", gcp], env);

  const apiToken = await command(dumont, ["token", "create", "--email", email, "--name", "end2end"], env);
  return { email, password, apiToken };
}
