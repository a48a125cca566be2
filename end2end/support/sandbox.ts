// The provider sandbox in plain words. What a test needs to go wrong at a provider or on a host goes
// wrong here, and the product sees what the real one would show.
import { setTimeout as pause } from "node:timers/promises";

/** An account at both providers, with its secrets. */
export interface Customer {
  account_id: number;
  email: string;
  vast_api_key: string;
  gcp_service_account: Record<string, unknown>;
}

/** A row of the ledger, as far as tests read it. */
export interface Bill {
  provider: string;
  external_id: string;
  live: boolean;
}

interface FaultOrder {
  target?: string;
  params?: Record<string, unknown>;
  count?: number;
}

export class Sandbox {
  constructor(readonly url: string) {}

  /** Another customer, with this credit in dollars. */
  customer(credit?: number): Promise<Customer> {
    return this.#ask("POST", "/accounts", credit === undefined ? {} : { credit });
  }

  /** What the customer has left, from now on. */
  async setCredit(customer: Customer, dollars: number): Promise<void> {
    await this.#ask("PATCH", `/accounts/${customer.account_id}`, { credit: dollars });
  }

  /** Something goes wrong until `calm`, or so often as `count` says. */
  async arm(name: string, order: FaultOrder = {}): Promise<void> {
    await this.#ask("POST", "/faults", { name, ...order });
  }

  /** Nothing goes wrong any more; of one name where it is given. */
  async calm(name?: string): Promise<void> {
    await this.#ask("DELETE", name === undefined ? "/faults" : `/faults/${name}`);
  }

  /** The host's machine dies at once, without a word. */
  async pullThePlug(gpu: number): Promise<void> {
    await this.#ask("POST", `/hosts/${gpu}/kill`, {});
  }

  /** The ledger: what ran and runs, and what it costs. */
  async bills(): Promise<Bill[]> {
    const { rows } = await this.#ask<{ rows: Bill[] }>("GET", "/ledger");
    return rows;
  }

  /** Waits until the GPUs of these numbers are billed or not. */
  async untilBilled(gpu: number, live: boolean, milliseconds = 30_000): Promise<void> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const bill = (await this.bills()).find((row) => row.external_id === String(gpu));
      if (bill?.live === live) return;
      if (Date.now() > deadline) throw new Error(`GPU ${gpu}: ${JSON.stringify(bill)}`);
      await pause(100);
    }
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/_sandbox${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the sandbox: ${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
}
