// Logs in, rents, protects, drills and reads the report through a typed client of the description.
// tsc checks every call against it first. Fails at the first surprise.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { paths } from "./made/dumont.js";

const url = `${process.env["DUMONT_URL"]}/api/v1`;
const account = JSON.parse(readFileSync(process.env["ACCOUNT_FILE"] ?? "", "utf8"));

function ok<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.status} ${answer.response.url}: ${JSON.stringify(answer.error)}`);
  }
  return answer.data;
}

async function until<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`not in ${seconds} s: ${what}`);
}

const anyone = createClient<paths>({ baseUrl: url });
const login = ok(
  await anyone.POST("/auth/login", { body: { email: account.email, password: account.password } }),
);
const client = createClient<paths>({
  baseUrl: url,
  headers: { authorization: `Bearer ${login.token}` },
});
console.log("logged in");

const none = await client.GET("/standby/associations/{machine_id}", {
  params: { path: { machine_id: "no-such-machine" } },
});
if (none.response.status !== 404 || none.error?.code !== "not_found") throw new Error("no problem");
const config = ok(
  await client.POST("/standby/configure", { body: { enabled: false, sync_interval: 2, gpu_class: "at_least" } }),
);
if (config.config.gpu_class !== "at_least") throw new Error("not as it was set");

const market = ok(await client.GET("/instances/offers", { params: { query: { num_gpus: 1, limit: 8 } } }));
let id = 0;
for (const offer of market.offers) {
  const rent = () =>
    client.POST("/instances", {
      params: { header: { "Idempotency-Key": `ts-${offer.id}` } },
      body: { offer_id: offer.id, label: "typescript client", skip_standby: true },
    });
  const made = await rent();
  if (made.data === undefined) continue;
  id = made.data.id;
  if (ok(await rent()).id !== id) throw new Error("the same key bought again");
  break;
}
if (id === 0) throw new Error("no offer could be rented");
console.log("rented", id);

await until("the instance to be known", 60, async () => {
  const made = await client.POST("/standby/provision/{gpu_id}", {
    params: { path: { gpu_id: id } },
    body: { name: "typescript client" },
  });
  return made.response.status === 202 || made.response.status === 409 ? true : undefined;
});
const tie = await until("the standby to follow", 120, async () => {
  const params = { path: { machine_id: String(id) } };
  const found = ok(await client.GET("/standby/associations/{machine_id}", { params }));
  return found.state === "following" ? found : undefined;
});
console.log("protected", tie.association_id);

const params = { path: { machine_id: tie.association_id } };
const drill = await until("a drill to begin", 60, async () => {
  const begun = await client.POST("/standby/failover/simulate/{machine_id}", {
    params,
    body: { reason: "client" },
  });
  return begun.data;
});
const end = await until("the drill to end", 150, async () => {
  const found = ok(
    await client.GET("/standby/failover/status/{failover_id}", {
      params: { path: { failover_id: drill.failover_id } },
    }),
  );
  return found.completed_at ? found : undefined;
});
if (end.success !== true) throw new Error(`the drill failed: ${end.error}`);
const report = ok(await client.GET("/standby/failover/report", { params: { query: { kind: "drill" } } }));
if (typeof report === "string") throw new Error("not JSON");
if (report.kind !== "drill" || report.successful_failovers < 1) throw new Error("no drill in the report");
console.log("drilled", drill.failover_id, end.total_time_ms, "ms");
