// Each page in each of the states that someone on call meets, wide and narrow, dark and light, in both
// languages.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import type { Person } from "../support/person.ts";
import { test } from "../support/test.ts";

const FOLDER = process.env.DUMONT_PICTURES ?? resolve(import.meta.dirname, "../test-results/pictures");

const LOOKS = [
  { name: "wide-light-en", viewport: { width: 1440, height: 900 }, colorScheme: "light", locale: "en-US" },
  { name: "wide-dark-pt", viewport: { width: 1440, height: 900 }, colorScheme: "dark", locale: "pt-BR" },
  { name: "narrow-dark-en", viewport: { width: 390, height: 844 }, colorScheme: "dark", locale: "en-US" },
  { name: "narrow-light-pt", viewport: { width: 390, height: 844 }, colorScheme: "light", locale: "pt-BR" },
] as const;

/** Someone's browsers, one for each look. */
class Camera {
  private constructor(
    readonly browser: Browser,
    private readonly all: { name: string; page: Page; context: BrowserContext }[],
  ) {}

  static async of(browser: Browser, person: Person): Promise<Camera> {
    const all = [];
    for (const { name, ...look } of LOOKS) {
      const context = await browser.newContext({ baseURL: person.stack.url, timezoneId: "America/Sao_Paulo", ...look });
      const page = await context.newPage();
      await person.enter(page);
      all.push({ name, page, context });
    }
    return new Camera(browser, all);
  }

  /** A page as it looks now, whole. */
  async take(what: string, path: string, ready?: (page: Page) => Promise<unknown>): Promise<void> {
    for (const { name, page } of this.all) {
      await page.goto(path);
      await page.locator(".dot.on").waitFor({ state: "attached" });
      await ready?.(page);
      await page.screenshot({ path: join(FOLDER, `${what}.${name}.png`), fullPage: true, animations: "disabled" });
    }
  }

  async close(): Promise<void> {
    for (const { context } of this.all) await context.close();
  }
}

test.describe.configure({ mode: "parallel" });

/** A story of somebody new, and their camera. */
function story(title: string, tell: (ana: Person, camera: Camera) => Promise<void>): void {
  test(title, async ({ browser, emptyStack }) => {
    const ana = await emptyStack.person();
    const camera = await Camera.of(browser, ana);
    await tell(ana, camera);
    await camera.close();
  });
}

story("nothing yet", async (ana, camera) => {
  await camera.take("machines-empty", "/app");
  await camera.take("report-empty", "/app/failovers");
  await camera.take("notifications-empty", "/app/notifications");
  await camera.take("offers-full", "/app/offers?q=1");
  await camera.take("offers-none", "/app/offers?gpu_name=Abacus&q=1");
  for (const page of ["credentials", "account", "audit", "people"]) await camera.take(`settings-${page}`, `/app/settings/${page}`);
  await camera.take("settings", "/app/settings");
  await camera.take("balance", "/app/balance");
  const unprotected = await ana.rent("bare", false);
  await camera.take("machine-unprotected", `/app/machines/${unprotected}`);
});

story("shared, and a second factor", async (ana, camera) => {
  await camera.take("settings-second-factor", "/app/settings/account/second-factor");
  await camera.take("sharing-empty", "/app/settings/sharing");
  const gpu = await ana.protectedMachine("spindle");
  const bob = await ana.stack.person();
  const { association_id } = await ana.ask<{ association_id: string }>("GET", `/standby/associations/${gpu}`);
  const give = (level: string, days: number | null) =>
    ana.ask<{ id: string }>("POST", "/grants", { to: bob.name, level, all_machines: false, machines: [association_id], days });
  const first = await give("read", 7);
  await camera.take("sharing-given", "/app/settings/sharing");
  const theirs = await Camera.of(camera.browser, bob);
  await theirs.take("machines-offered", "/app");
  await theirs.take("sharing-offered", "/app/settings/sharing");
  await bob.ask("POST", `/shared/${first.id}/accept`);
  await theirs.take("machines-shared", "/app");
  await theirs.take("machine-shared-read", `/app/machines/${gpu}`);
  const second = await give("operate", null);
  await bob.ask("POST", `/shared/${second.id}/accept`);
  await theirs.take("machine-shared-operate", `/app/machines/${gpu}`);
  await theirs.take("sharing-received", "/app/settings/sharing");
  await ana.ask("DELETE", `/grants/${first.id}`);
  await camera.take("sharing-revoked", "/app/settings/sharing");
  await theirs.close();
});

story("well, paused, frozen", async (ana, camera) => {
  const gpu = await ana.protectedMachine("loom");
  const at = `/app/machines/${gpu}`;
  await camera.take("machine-well", at);
  await camera.take("machine-move", `${at}/failover`);
  await camera.take("machine-drill", `${at}/drill`);
  await camera.take("machine-destroy", `${at}/destroy`);
  await ana.configure({ auto_recovery: false });
  await camera.take("machine-move-to-standby", `${at}/failover`);
  await ana.configure({ max_delete_percent: 1 });
  await ana.ask("POST", `/standby/associations/${gpu}/stop-sync`);
  await camera.take("machine-sync-paused", at);
  await ana.ask("POST", `/standby/associations/${gpu}/start-sync`);
  await ana.untilFollowed(gpu);
  const data = ana.stack.workspace(gpu, "data");
  mkdirSync(data);
  for (let n = 0; n < 30; n += 1) writeFileSync(join(data, `${n}-${"long-".repeat(n % 12)}name.txt`), `${n}\n`);
  await ana.until("the files to be copied", async () =>
    (await ana.ask<{ files: number }>("GET", `/standby/associations/${gpu}`)).files > 30 ? true : undefined);
  rmSync(data, { recursive: true });
  await ana.until("the copy to freeze", async () =>
    (await ana.ask<{ state: string }>("GET", `/standby/associations/${gpu}`)).state === "frozen" ? true : undefined);
  await camera.take("machine-frozen", at);
  await camera.take("machines-frozen", "/app");
  await camera.take("machine-review", `${at}/accept-deletions`);
  await ana.ask("POST", `/instances/${gpu}/pause`);
  await camera.take("machine-paused", at);
  await camera.take("notifications-frozen", "/app/notifications");
});

story("failing over, on the standby, back, failed", async (ana, camera) => {
  const { sandbox } = ana.stack;
  const gpu = await ana.protectedMachine("heddle");
  await sandbox.arm("stuck_loading");
  await sandbox.pullThePlug(gpu);
  const { failover_id: id } = await ana.untilFailingOver(gpu);
  await ana.until("the new GPU to be bought", async () =>
    (await ana.ask<{ phase: string }>("GET", `/standby/failover/status/${id}`)).phase === "provisioning" ? true : undefined);
  await camera.take("machine-failing-over", `/app/machines/${gpu}`);
  await camera.take("failover-running", `/app/failovers/${id}`);
  await camera.take("machines-failing-over", "/app");
  await camera.take("report-running", "/app/failovers");
  await camera.take("failover-cancel", `/app/failovers/${id}/cancel`);
  await ana.ask("POST", `/standby/failover/${id}/cancel`);
  await ana.untilOver(id);
  await sandbox.calm();
  await camera.take("machine-on-standby", `/app/machines/${gpu}`);
  await camera.take("machines-on-standby", "/app");
  await camera.take("failover-cancelled", `/app/failovers/${id}`);
  await camera.take("machine-back", `/app/machines/${gpu}/back-to-gpu`);
  await camera.take("machine-discard", `/app/machines/${gpu}/discard`);
  const { failover_id: back } = await ana.ask<{ failover_id: string }>("POST", `/standby/associations/${gpu}/back-to-gpu`);
  const over = await ana.untilOver(back);
  await camera.take("failover-move-done", `/app/failovers/${back}`);
  await ana.untilFollowed(over.new_gpu_id ?? 0);
  await camera.take("notifications-full", "/app/notifications");
  await camera.take("report-full", "/app/failovers");
});

story("waiting for an offer, and for credit", async (ana, camera) => {
  const { sandbox } = ana.stack;
  const gpu = await ana.protectedMachine("treadle");
  await sandbox.arm("price_jump", { params: { factor: 50 } });
  await sandbox.pullThePlug(gpu);
  const { failover_id: id } = await ana.untilFailingOver(gpu);
  const waiting = async () => ((await ana.failover(id)).state === "waiting" ? true : undefined);
  await ana.until("the failover to wait", waiting);
  await camera.take("machine-no-offer", `/app/machines/${gpu}`);
  await camera.take("failover-no-offer", `/app/failovers/${id}`);
  await camera.take("machines-waiting", "/app");
  await sandbox.calm("price_jump");
  await ana.untilOver(id);
  await camera.take("failover-done", `/app/failovers/${id}`);
  const second = await ana.protectedMachine("batten");
  await sandbox.arm("no_credit");
  await sandbox.pullThePlug(second);
  const { failover_id: poor } = await ana.untilFailingOver(second);
  await ana.until("the failover to wait", async () => ((await ana.failover(poor)).state === "waiting" ? true : undefined));
  await camera.take("machine-no-credit", `/app/machines/${second}`);
  await camera.take("failover-no-credit", `/app/failovers/${poor}`);
  await camera.take("machines-mixed", "/app");
});

story("no standby, a GPU that is silent, Auto-Failover off", async (ana, camera) => {
  const { sandbox } = ana.stack;
  const gpu = await ana.protectedMachine("selvage");
  await ana.configure({ auto_failover: false, silence_seconds: 600 });
  await sandbox.arm("network_cut", { target: String(gpu) });
  await ana.until("the GPU to be silent", async () => {
    const { checks } = await ana.ask<{ checks: { key: string; ok: boolean }[] }>("GET", `/failover/readiness/${gpu}`);
    return checks.some(({ key, ok }) => key === "gpu_answers" && !ok) ? true : undefined;
  });
  await camera.take("machine-silent", `/app/machines/${gpu}`);
  await camera.take("machines-silent", "/app");
  await sandbox.calm();
  await sandbox.pullThePlug(gpu);
  await ana.until("the loss", async () =>
    (await ana.ask<{ state: string }>("GET", `/standby/associations/${gpu}`)).state === "degraded" ? true : undefined);
  await camera.take("machine-lost-off", `/app/machines/${gpu}`);
  await camera.take("machines-lost-off", "/app");
  await camera.take("notifications-lost-off", "/app/notifications");
});

test("recovery points", async ({ browser, keptStack }) => {
  const ana = await keptStack.person();
  const camera = await Camera.of(browser, ana);
  const gpu = await ana.protectedMachine("heddle");
  const list = () => ana.ask<{ points: { id: number }[]; last_return: { state: string } | null }>(
    "GET", `/standby/associations/${gpu}/points`);
  writeFileSync(keptStack.workspace(gpu, "notes.txt"), "before");
  await ana.until("some points", async () => ((await list()).points.length > 4 ? true : undefined));
  const point = (await list()).points[3]?.id ?? 1;
  await camera.take("machine-kept", `/app/machines/${gpu}`);
  await camera.take("points", `/app/machines/${gpu}/points`);
  await camera.take("point", `/app/machines/${gpu}/points/${point}`);
  await ana.ask("POST", `/standby/associations/${gpu}/points/${point}/go-back`, { accept_changes: true });
  await ana.until("the way back", async () => ((await list()).last_return?.state === "done" ? true : undefined));
  await camera.take("points-gone-back", `/app/machines/${gpu}/points`);
  await camera.take("notifications-gone-back", "/app/notifications");
  await camera.close();
});
