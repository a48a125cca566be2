// Recovery points: looked at, and gone back to from the page; and what is said where there are none.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dialog, section } from "../support/screen.ts";
import { expect, expectAccessible, test } from "../support/test.ts";

interface Points {
  points: { id: number }[];
  last_return: { state: string; before: number | null } | null;
}

interface Difference {
  added: number;
  changed: number;
  removed: number;
}

test("files that a mistake overwrote are put back from the page, and nothing else is", async ({ page, keptStack, t, watch }) => {
  watch.allowStatus(409);
  const ana = await keptStack.person();
  await ana.enter(page);
  const gpu = await ana.protectedMachine("weaver");
  const list = () => ana.ask<Points>("GET", `/standby/associations/${gpu}/points`);
  const changes = (point: number, path: string) =>
    ana.ask<Difference>("GET", `/standby/associations/${gpu}/points/${point}?path=${path}`);
  const first = (await list()).points[0]?.id ?? 0;
  mkdirSync(keptStack.workspace(gpu, "results"));
  writeFileSync(keptStack.workspace(gpu, "results/best.txt"), "the good one");
  writeFileSync(keptStack.workspace(gpu, "notes.txt"), "before");
  await ana.until("the results to be in a point", async () => {
    const found = await changes(first, "results");
    return found.removed === 1 ? true : undefined;
  });
  const point = await ana.until("a point that holds them", async () => {
    const newest = (await list()).points[0]?.id ?? 0;
    const { added, changed, removed } = await changes(newest, "results");
    return newest > first && added + changed + removed === 0 ? newest : undefined;
  });
  writeFileSync(keptStack.workspace(gpu, "results/best.txt"), "a mistake");
  writeFileSync(keptStack.workspace(gpu, "notes.txt"), "after");
  await ana.until("the mistake to be in a point", async () =>
    (await changes(point, "results")).changed === 1 ? true : undefined);

  await page.goto(`${keptStack.url}/app/machines/${gpu}`);
  await section(page, t("sync")).getByRole("link", { name: t("points"), exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: t("points") })).toBeVisible();
  await expect(page.getByText(t("points_gpu"))).toBeVisible();
  await expectAccessible(page);
  await page.goto(`${keptStack.url}/app/machines/${gpu}/points/${point}`);
  await page.getByLabel(t("point_path")).fill("results");
  await page.getByRole("button", { name: t("point_path_look") }).click();
  await expect(page).toHaveURL(/path=results/);
  await expect(page.getByText("results/best.txt")).toBeVisible();
  await expect(page.getByText("notes.txt")).toHaveCount(0);
  await expectAccessible(page);

  // Without a word nothing is done.
  await page.getByRole("button", { name: t("point_do") }).click();
  await expect(page.getByRole("alert").first()).toContainText(t("wrong_consent"));
  expect(readFileSync(keptStack.workspace(gpu, "results/best.txt"), "utf8")).toBe("a mistake");
  await page.getByLabel(t("point_accept")).check();
  await page.getByRole("button", { name: t("point_do") }).click();
  await expect(page).toHaveURL(/points(\?said=going_back)?$/);
  await expect(page.getByText(t.like("return_done", { id: point, path: "results" }))).toBeVisible({ timeout: 60_000 });
  expect(readFileSync(keptStack.workspace(gpu, "results/best.txt"), "utf8")).toBe("the good one");
  expect(readFileSync(keptStack.workspace(gpu, "notes.txt"), "utf8")).toBe("after");

  // It is told, and what was there before is a point that can be gone back to.
  const before = (await list()).last_return?.before ?? 0;
  await page.goto(`${keptStack.url}/app/notifications`);
  await expect(page.getByText(t("note_went_back", { machine: "weaver", files: 1 }))).toBeVisible();
  await page.goto(`${keptStack.url}/app/machines/${gpu}/points`);
  await page.getByRole("link", { name: t("point_look", { id: before }) }).click();
  await expect(dialog(page).getByText("results/best.txt")).toBeVisible();
});

test("a copy that follows by rsync says that it keeps no points, and what there is instead", async ({ page, ana, t }) => {
  const gpu = await ana.protectedMachine("weaver");
  await page.goto(`/app/machines/${gpu}/points`);
  await expect(page.getByText(t("points_rsync", { why: t("rsync_off") }))).toBeVisible();
  await expect(page.getByRole("link", { name: t.like("point_go_back") })).toHaveCount(0);
  await expectAccessible(page);
});
