// Live pages: they stay true by themselves, keep what the reader did with them, move nothing, and say
// when they can't be trusted.
import type { Page } from "@playwright/test";
import { section, sentence, value } from "../support/screen.ts";
import { expect, expectLive, test } from "../support/test.ts";

/** So many times the page has asked for its content anew. */
async function renewals(page: Page, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    await page.waitForResponse((answer) => answer.request().headers()["x-dumont-part"] === "1"
      && new URL(answer.url()).pathname === new URL(page.url()).pathname && answer.status() === 200);
  }
}

test("a server that restarts is missed at once and found again, without a new page", async ({ page, stack, ana, t, watch }) => {
  watch.allow(/net::ERR_/);
  expect(ana.name).toBeTruthy();
  await page.goto("/app");
  await expectLive(page, t);
  await page.evaluate(() => { Object.assign(window, { same: true }); });
  await stack.stopServer();
  await expect(page.getByRole("banner").getByText(t("live_lost"))).toBeVisible();
  await stack.startServer();
  await expectLive(page, t);
  await renewals(page, 1);
  expect(await page.evaluate(() => "same" in window), "the same page").toBe(true);
});

test("a dialog that can't be had says so", async ({ page, stack, keeper, t, watch }) => {
  watch.allow(/net::ERR_/);
  await keeper.person.enter(page);
  await page.goto(`/app/machines/${keeper.gpu}`);
  await expectLive(page, t);
  await stack.stopServer();
  await page.getByRole("link", { name: t("act_drill"), exact: true }).click();
  await expect(page.getByRole("dialog")).toContainText(t("dialog_failed"));
  await stack.startServer();
  await page.keyboard.press("Escape");
  await expectLive(page, t);
});

test("what changes elsewhere shows here, and what the reader opened and focused stays", async ({ page, ana, t }) => {
  const gpu = await ana.protectedMachine("pulley");
  await page.goto(`/app/machines/${gpu}`);
  await expectLive(page, t);
  const cycles = page.locator("details", { hasText: t("sync_cycles") });
  await cycles.locator("summary").click();
  await page.getByRole("link", { name: t("act_drill"), exact: true }).focus();
  await ana.ask("POST", `/standby/associations/${gpu}/stop-sync`);
  await expect(value(section(page, t("sync")), t("sync_follows"))).toHaveText(t("off"));
  await expect(page.getByRole("button", { name: t("act_resume_sync") })).toBeVisible();
  await expect(cycles).toHaveAttribute("open", "");
  await expect(page.getByRole("link", { name: t("act_drill"), exact: true })).toBeFocused();
});

test("a quiet page renews itself without moving anything", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.addInitScript(() => {
    type Shift = PerformanceEntry & { value: number; sources: { node: Element | Text | null }[] };
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const { value, sources } of list.getEntries() as Shift[]) {
        // A figure that grows by a digit moves the words behind it in its own line.
        if (value < 0.0001) continue;
        const moved = sources.map(({ node }) => (node instanceof Element ? node : node?.parentElement)?.outerHTML.slice(0, 160));
        shifts.push(`${value.toFixed(5)}: ${moved.join(" and ")}`);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  const shifted = () => page.evaluate(() => (window as unknown as { shifts: string[] }).shifts);
  for (const path of [`/app/machines/${keeper.gpu}`, "/app"]) {
    await page.goto(path);
    await expectLive(page, t);
    await renewals(page, 2);
    expect(await shifted(), `layout shift of ${path}`).toEqual([]);
  }
  // The measure itself measures: something that is put in shifts what is below.
  await page.evaluate(() => document.querySelector("main")?.prepend(Object.assign(document.createElement("div"), { innerHTML: "<p>x</p>".repeat(20) })));
  await expect.poll(async () => (await shifted()).length).toBeGreaterThan(0);
});

test("a link to anywhere works by itself, and back and forward lead through the pages", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto(`/app/failovers/${keeper.failover}`);
  await expect(page.getByRole("heading", { level: 1, name: t("title_real", { machine: "sample" }) })).toBeVisible();
  await page.getByRole("link", { name: t("to_machine"), exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/app/machines/${keeper.gpu}$`));
  await page.getByRole("navigation", { name: t("nav_label") }).getByRole("link", { name: t("nav_settings") }).click();
  await expect(page.getByRole("heading", { level: 1, name: t("settings") })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(`/app/machines/${keeper.gpu}$`));
  await expect(sentence(page)).toContainText(t("machine_safe"));
  await expectLive(page, t);
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(keeper.failover));
  await page.goForward();
  await expect(page).toHaveURL(new RegExp(`/app/machines/${keeper.gpu}$`));
  // Both names of the report are the same page.
  await page.goto("/app/failover-report");
  await expect(page.getByRole("heading", { level: 1, name: t("failovers") })).toBeVisible();
});

test.describe("less motion", () => {
  test("nothing moves for someone who asked for stillness", async ({ page, stack, sandbox }) => {
    const ana = await stack.person({ bare: true });
    await ana.enter(page);
    await sandbox.arm("latency_ms", { target: "user", params: { ms: 3_000 } });
    await ana.storeVastKey();
    // While the credit is asked for its figure pulses …
    const moving = () => page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running").length);
    await page.goto("/app/settings");
    await expect.poll(moving).toBeGreaterThan(0);
    // … but not here.
    await page.emulateMedia({ reducedMotion: "reduce" });
    await expect.poll(moving).toBe(0);
    const slow = await page.evaluate(() => [...document.querySelectorAll("*")].filter((element) => {
      const style = getComputedStyle(element);
      const longest = Math.max(...style.transitionDuration.split(",").map(parseFloat));
      return longest > 0.001 && style.transitionProperty !== "none";
    }).map((element) => element.outerHTML.slice(0, 80)));
    expect(slow, "transitions under prefers-reduced-motion").toEqual([]);
  });
});
