// Someone with an account: what they can do over the REST API to bring about what a page shall show.
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "@playwright/test";
import type { Customer } from "./sandbox.ts";
import type { Stack } from "./stack.ts";

/** How long anything may take that must happen; long, because the machine may be busy. */
const DEADLINE = 90_000;

/** A small job in the style of a training run: many small files, one growing log. */
const JOB = `mkdir -p /workspace/ckpt
cat > /workspace/job.sh <<'LOOP'
n=$(cat /workspace/step 2>/dev/null || echo 0)
while :; do
  n=$((n + 1))
  echo "step $n" >> /workspace/train.log
  head -c 2000 /dev/urandom > "/workspace/ckpt/$((n % 20)).part" && mv "/workspace/ckpt/$((n % 20)).part" "/workspace/ckpt/$((n % 20)).bin"
  echo $n > /workspace/step.part && mv /workspace/step.part /workspace/step
  sleep 0.5
done
LOOP
pgrep -f '^bash /workspace/job.sh$' >/dev/null || setsid bash /workspace/job.sh </dev/null >/dev/null 2>&1 &
`;

const IMAGE = "nvidia/cuda:12.6.3-base-ubuntu24.04";

interface Association {
  state: string;
  sync_count: number;
  files: number | null;
}

/** A failover as its status tells it, as far as tests read it. */
export interface Failover {
  failover_id: string;
  gpu_instance_id: number;
  kind: string;
  state: string;
  success: boolean | null;
  new_gpu_id: number | null;
  files_verified: number | null;
  completed_at: string | null;
}

export class Person {
  constructor(
    readonly stack: Stack,
    readonly name: string,
    readonly email: string,
    readonly password: string,
    readonly token: string,
    readonly customer: Customer,
  ) {}

  /** Logs a browser in, by the form that the login page sends. */
  async enter(page: Page): Promise<void> {
    const answer = await page.context().request.post(`${this.stack.url}/login`, {
      form: { username: this.name, password: this.password },
      maxRedirects: 0,
    });
    if (answer.status() !== 303) throw new Error(`${this.name} can't log in: ${answer.status()}`);
  }

  /** Stores the customer's credentials of both providers. */
  async storeCredentials(): Promise<void> {
    await this.storeVastKey();
    await this.ask("POST", "/auth/confirm", { password: this.password });
    await this.ask("PUT", "/settings", { gcp_credentials: JSON.stringify(this.customer.gcp_service_account) });
  }

  async storeVastKey(): Promise<void> {
    await this.ask("POST", "/auth/confirm", { password: this.password });
    await this.ask("PUT", "/settings", { vast_api_key: this.customer.vast_api_key });
  }

  /** Each GPU rented from now on gets a standby, or none. */
  async configure(wanted: Record<string, unknown>): Promise<void> {
    await this.ask("POST", "/standby/configure", {
      enabled: true, sync_interval: 2,
      // Impatient, so that tests end soon.
      silence_seconds: 5, keep_lost_minutes: 0, ...wanted,
    });
  }

  /** Rents the cheapest GPU that is still to be had; gives its number. */
  async rent(label: string, standby = true): Promise<number> {
    const { offers } = await this.ask<{ offers: { id: number }[] }>(
      "GET", "/instances/offers?num_gpus=1&order_by=dph_total&limit=32");
    let last: unknown;
    for (const offer of offers) {
      try {
        const made = await this.ask<{ id: number }>("POST", "/instances", {
          offer_id: offer.id, image: IMAGE, disk_size: 20, label, onstart: JOB, skip_standby: !standby,
          hooks: { on_gpu: JOB, on_standby: null, before_switch: null },
        });
        return made.id;
      } catch (error) {
        // Taken meanwhile: the next one.
        if (!/ (409|422) /.test(String(error))) throw error;
        last = error;
      }
    }
    throw new Error(`no GPU could be rented: ${last}`);
  }

  /** A rented GPU whose standby follows, with a job that writes. */
  async protectedMachine(label: string): Promise<number> {
    await this.configure({ enabled: true });
    const gpu = await this.rent(label);
    await this.untilFollowed(gpu);
    return gpu;
  }

  /** Until the standby has a copy of the job's files. */
  untilFollowed(gpu: number): Promise<Association> {
    return this.until(`the standby of ${gpu} to follow`, async () => {
      const tie = await this.ask<Association>("GET", `/standby/associations/${gpu}`);
      return tie.state === "following" && tie.sync_count >= 2 && (tie.files ?? 0) > 3 ? tie : undefined;
    });
  }

  /** Rehearses a failover; gives it when it is over. */
  async drill(gpu: number): Promise<Failover> {
    const { failover_id } = await this.ask<{ failover_id: string }>("POST", `/standby/failover/simulate/${gpu}`, {});
    return this.untilOver(failover_id);
  }

  /** The failover of this GPU that goes on now, once there is one. */
  untilFailingOver(gpu: number): Promise<Failover> {
    return this.until(`a failover of ${gpu}`, async () => {
      const { failovers } = await this.ask<{ failovers: Failover[] }>("GET", "/standby/failover/active");
      return failovers.find((one) => one.gpu_instance_id === gpu);
    });
  }

  untilOver(id: string): Promise<Failover> {
    return this.until(`the end of failover ${id}`, async () => {
      const status = await this.failover(id);
      return status.completed_at === null ? undefined : status;
    });
  }

  failover(id: string): Promise<Failover> {
    return this.ask("GET", `/standby/failover/status/${id}`);
  }

  /** Destroys all that was rented, so that its job and its sync take no time from other tests. */
  async leave(): Promise<void> {
    const { instances } = await this.ask<{ instances: { id: number }[] }>("GET", "/instances");
    for (const { id } of instances) {
      await this.ask("DELETE", `/instances/${id}?destroy_standby=true`).catch(() => undefined);
    }
  }

  /** Dumont's REST API as this person. */
  async ask<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.stack.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + DEADLINE;
    let last: unknown;
    for (;;) {
      const found = await look().catch((error: unknown) => void (last = error));
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}${last ? `: ${last}` : ""}`);
      await pause(150);
    }
  }
}
