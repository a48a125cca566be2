// When things go wrong: what is waited for, what comes nearest, what would be deleted, and how to be rid of it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dialog, section, sentence, value } from "../support/screen.ts";
import { expect, expectAccessible, expectLive, test } from "../support/test.ts";

test("a failover that finds no offer counts down, names what comes nearest, and is given up by name", async ({ page, ana, sandbox, t, watch }, info) => {
  test.slow();
  const gpu = await ana.protectedMachine("loom");
  await sandbox.arm("price_jump", { params: { factor: 50 } });
  await sandbox.pullThePlug(gpu);
  const { failover_id } = await ana.untilFailingOver(gpu);
  await ana.until("the failover to wait", async () =>
    (await ana.failover(failover_id)).state === "waiting" ? true : undefined);
  await page.goto(`/app/machines/${gpu}`);
  await expectLive(page, t);
  const now = page.getByRole("region", { name: t("now"), exact: true });
  await expect(now).toContainText(t("failover_waiting"));
  await expect(now).toContainText(t("near_title"), { timeout: 60_000 });
  await expect(now.locator(".near li").first()).toContainText(t("rule_price"));
  await expect(now.getByRole("link", { name: t("now_rules") })).toBeVisible();
  await expect(section(page, t("going"))).toBeVisible();
  await expect(section(page, t("readiness"))).toHaveCount(0);
  // It ticks by itself, and its place keeps its size.
  const clock = now.locator(".countdown");
  const before = await clock.innerText();
  const place = await clock.boundingBox();
  await expect(clock).not.toHaveText(before);
  expect((await clock.boundingBox())?.width).toBe(place?.width);
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath("waiting.png"), fullPage: true });

  await page.getByRole("link", { name: t("act_discard") }).click();
  await expect(dialog(page).getByRole("heading", { name: t("ask_discard") })).toBeVisible();
  await dialog(page).getByLabel(t("discard_name")).fill("another");
  watch.allowStatus(422);
  await dialog(page).getByRole("button", { name: t("do_discard") }).click();
  await expect(page.getByText(t("field_not_its_name"))).toBeVisible();
  await page.getByLabel(t("discard_name")).fill("loom");
  await page.getByRole("button", { name: t("do_discard") }).click();
  await expect(page.getByText(t("said_discarding"))).toBeVisible();
  await expect(page.getByRole("heading", { name: t("machines_none") })).toBeVisible({ timeout: 60_000 });
  await sandbox.untilBilled(gpu, false);
});

test("deletions that froze a copy are reviewed by name and brought back", async ({ page, ana, t }, info) => {
  test.slow();
  const gpu = await ana.protectedMachine("shed");
  await ana.configure({ max_delete_percent: 1 });
  const data = ana.stack.workspace(gpu, "data");
  mkdirSync(data);
  for (let n = 0; n < 30; n += 1) writeFileSync(join(data, `${n}.txt`), `${n}\n`);
  await ana.until("the files to be copied", async () => {
    const tie = await ana.ask<{ files: number }>("GET", `/standby/associations/${gpu}`);
    return tie.files > 30 ? true : undefined;
  });
  rmSync(data, { recursive: true });
  await page.goto(`/app/machines/${gpu}`);
  const review = page.getByRole("link", { name: t.like("review_many") });
  await expect(review).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(t("on_gpu_bare")).first()).toBeVisible();
  await review.click();
  await expect(dialog(page).getByText("data/17.txt", { exact: true })).toBeVisible();
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath("review.png"), fullPage: true });
  await dialog(page).getByRole("button", { name: t("do_restore") }).click();
  await expect(page.getByText(t("said_restoring"))).toBeVisible();
  await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 60_000 });
  expect(readFileSync(join(data, "17.txt"), "utf8")).toBe("17\n");
});

test("no dialog waits for a provider, and the drill's estimate comes into it", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("spool");
  await page.goto(`/app/machines/${gpu}`);
  await expectLive(page, t);
  await expect(section(page, t("readiness"))).toContainText(t("readiness_seen"), { timeout: 30_000 });
  await sandbox.arm("latency_ms", { params: { ms: 4_000 } });
  for (const [act, title] of [["act_fail_over", "ask_fail_over"], ["act_drill", "ask_drill"]] as const) {
    await page.getByRole("link", { name: t(act), exact: true }).click();
    // Long before a provider has answered.
    await expect(dialog(page).getByRole("heading", { name: t(title) })).toBeVisible({ timeout: 3_000 });
    await dialog(page).getByRole("link", { name: t("back"), exact: true }).click();
    await expect(dialog(page)).toBeHidden();
  }
  await page.getByRole("link", { name: t("act_drill"), exact: true }).click();
  await expect(value(dialog(page), t("forecast_cost"))).toContainText("$", { timeout: 30_000 });
});
