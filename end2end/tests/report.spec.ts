// The report: one kind, one period, and figures that are those of its rows and of its exports.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { section, sentence, value } from "../support/screen.ts";
import { expect, test } from "../support/test.ts";
import type { Words } from "../support/words.ts";

const history = (page: Page, t: Words) => section(page, t("history")).getByRole("row").filter({ has: page.getByRole("link") });

test("an empty report says that nothing happened, and shows no figure", async ({ page, ana, t }) => {
  expect(ana.name).toBeTruthy();
  await page.goto("/app/failovers");
  await expect(sentence(page)).toContainText(t("none_in_real", { days: 30 }));
  await expect(page.getByRole("heading", { name: t("report_empty") })).toBeVisible();
  await expect(page.getByText("%")).toHaveCount(0);
});

test("kind, period, machine and cause narrow it, by addresses that can be kept", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app/failovers");
  await expect(history(page, t)).toHaveCount(1);
  await expect(value(page.getByRole("main"), t("stat_total")).first()).toHaveText("1");
  await expect(value(page.getByRole("main"), t("stat_rate")).first()).toContainText("100");
  await expect(history(page, t).first()).toContainText(t("kind_real"));

  const kinds = page.getByRole("navigation", { name: t("kind_label") });
  await kinds.getByRole("link", { name: t("kinds_drill") }).click();
  await expect(page).toHaveURL(/kind=drill/);
  await expect(history(page, t)).toHaveCount(1);
  await expect(history(page, t).first()).toContainText(t("kind_drill"));
  await page.getByRole("navigation", { name: t("period_label") }).getByRole("link", { name: t("last_days", { days: 7 }) }).click();
  await expect(page).toHaveURL(/days=7&kind=drill/);
  await expect(sentence(page)).toContainText(t("some_in_drill", { days: 7, total: 1, good: 1, failed: 0 }));

  await page.goto("/app/failovers");
  await page.getByLabel(t("col_machine"), { exact: true }).fill("another machine");
  await page.getByRole("button", { name: t("filter") }).click();
  await expect(page.getByRole("heading", { name: t("report_empty") })).toBeVisible();
  await page.getByLabel(t("col_machine"), { exact: true }).fill("sample");
  await page.getByRole("button", { name: t("filter") }).click();
  await expect(history(page, t)).toHaveCount(1);
  await page.getByLabel(t("col_cause"), { exact: true }).selectOption({ label: t("cause_outbid") });
  await page.getByRole("button", { name: t("filter") }).click();
  await expect(page).toHaveURL(/machine=sample.*cause=outbid/);
  await expect(page.getByRole("heading", { name: t("report_empty") })).toBeVisible();
  // Back is back, filter by filter.
  await page.goBack();
  await expect(history(page, t)).toHaveCount(1);
  await expect(page.getByLabel(t("col_machine"), { exact: true })).toHaveValue("sample");
});

test("the exports hold what the page shows", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app/failovers?days=90&kind=real");
  await expect(history(page, t)).toHaveCount(1);
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: t("export_csv"), exact: true }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe("failovers-real-90d.csv");
  const lines = readFileSync(await saved.path(), "utf8").trim().split("\r\n");
  expect(lines).toHaveLength(2);
  const heads = lines[0]?.split(",") ?? [];
  const cells = lines[1]?.split(",") ?? [];
  const cell = (name: string) => cells[heads.indexOf(name)];
  expect(cell("failover_id")).toBe(keeper.failover);
  expect(cell("machine_name")).toBe("sample");
  expect(cell("new_gpu_id")).toBe(String(keeper.gpu));

  const link = page.getByRole("link", { name: t("export_json"), exact: true });
  const answer = await page.request.get((await link.getAttribute("href")) ?? "");
  const told = await answer.json();
  expect(told).toMatchObject({ period_days: 90, total_failovers: 1, successful_failovers: 1 });
  expect(told.history[0].failover_id).toBe(keeper.failover);
  // The headline is the median; the mean stands beside it under its name.
  const shown = await value(page.getByRole("main"), t("stat_mttr")).first().innerText();
  expect(shown).toContain((told.mttr_p50_ms / 1000).toFixed(1));
});

test("each phase has a bar and its figures beside it", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app/failovers");
  const { latency_by_phase_ms: mean } = await keeper.person.ask<{ latency_by_phase_ms: Record<string, number> }>(
    "GET", "/standby/failover/report?days=30&kind=real");
  for (const [phase, ms] of Object.entries(mean)) {
    const row = section(page, t("phases_mean")).getByRole("row").filter({ hasText: t(`phase_${phase}`) });
    await expect(row).toContainText(ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
  }
});
