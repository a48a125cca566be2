// Machines: rented, protected, paused, let go; and what can't be done now says why.
import { dialog, section, sentence, value } from "../support/screen.ts";
import { expect, test } from "../support/test.ts";

test("a GPU is searched for, rented at the price shown, and protected", async ({ page, ana, sandbox, t }) => {
  await ana.configure({ enabled: true });
  await page.goto("/app");
  await expect(page.getByRole("heading", { name: t("machines_none") })).toBeVisible();
  await page.getByRole("link", { name: t("machines_add") }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: t("offers") })).toBeVisible();
  await page.getByLabel(t("num_gpus"), { exact: true }).fill("1");
  await page.getByLabel(t("max_price")).fill("2");
  await page.getByRole("button", { name: t("search") }).click();
  await expect(page).toHaveURL(/max_price=2/);

  // The price is in the row, in the question and on the button.
  const offer = page.getByRole("row").filter({ has: page.getByRole("link", { name: t("rent"), exact: true }) }).first();
  const price = (await offer.getByText(t.like("rate_hour")).first().innerText()).match(/\$[\d.]+ \/ h/)?.[0];
  await offer.getByRole("link", { name: t("rent"), exact: true }).click();
  await expect(dialog(page).getByRole("heading", { name: t("rent_question") })).toBeVisible();
  await dialog(page).getByLabel(t("machine_name")).fill("weaver");
  await expect(dialog(page).getByLabel(t("standby_protect"))).toBeChecked();
  await expect(value(dialog(page), t("price"))).toContainText(price ?? "no price");
  await dialog(page).getByRole("button", { name: t("rent_do", { amount: price ?? "" }) }).click();

  await expect(page).toHaveURL(/\/app\/machines\/\d+(\?said=rented)?$/);
  await expect(page.getByText(t("said_rented"))).toBeVisible();
  const gpu = Number(page.url().match(/machines\/(\d+)/)?.[1]);
  // The page itself tells how it goes on.
  await page.evaluate(() => { Object.assign(window, { same: true }); });
  await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 60_000 });
  await expect(section(page, t("readiness")).getByText(t("readiness_ready"))).toBeVisible({ timeout: 30_000 });
  expect(await page.evaluate(() => "same" in window), "the same page").toBe(true);
  await sandbox.untilBilled(gpu, true);

  await page.goto("/app");
  const row = page.getByRole("row", { name: new RegExp(`weaver.*${gpu}`) });
  await expect(row).toContainText(t("on_gpu"));
  await expect(row).toContainText(t("tie_following"));
  await expect(sentence(page)).toContainText(t("count_gpu_one", { n: 1 }));
});

test("an offer that someone else took is gone, and nothing was bought", async ({ page, ana, sandbox, t, watch }) => {
  watch.allowStatus(409);
  const before = (await sandbox.bills()).length;
  expect(ana.name).toBeTruthy();
  await page.goto("/app/offers");
  await page.getByRole("link", { name: t("rent"), exact: true }).first().click();
  await sandbox.arm("offer_gone");
  await dialog(page).getByRole("button", { name: t.like("rent_do") }).click();
  await expect(page.getByRole("alert").first()).toContainText(t("offer_gone_what"));
  expect((await sandbox.bills()).length).toBe(before);
});

test("a search that fits nothing says so, and one that makes no sense says what is wrong", async ({ page, ana, t, watch }) => {
  watch.allowStatus(422);
  expect(ana.name).toBeTruthy();
  await page.goto("/app/offers?gpu_name=Abacus+1&q=1");
  await expect(page.getByRole("heading", { name: t("offers_none") })).toBeVisible();
  await page.goto("/app/offers?num_gpus=many&q=1");
  await expect(page.getByLabel(t("num_gpus"), { exact: true })).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText(t("field_number"))).toBeVisible();
});

test("a machine without a standby is given one, and what it can't do says why", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.rent("bare", false);
  await ana.until("the GPU to run", async () => {
    const { status } = await ana.ask<{ status: string }>("GET", `/instances/${gpu}`);
    return status === "running" ? true : undefined;
  });
  await page.goto(`/app/machines/${gpu}`);
  await expect(sentence(page)).toHaveText(t("machine_unprotected"));
  await expect(page.getByText(t("readiness_unprotected"))).toBeVisible();
  await page.getByRole("link", { name: t("act_protect") }).click();
  await expect(dialog(page).getByRole("heading", { name: t("ask_protect") })).toBeVisible();
  await expect(value(dialog(page), t("price"))).toContainText("$");
  // Google has no room for a while, so that there is no standby yet when the page is looked at.
  await sandbox.arm("zone_exhausted");
  await dialog(page).getByRole("button", { name: t("act_protect") }).click();
  await expect(page.getByText(t("said_protecting"))).toBeVisible();
  // Until there is a copy a drill has nothing to rehearse: the button is there and says so.
  const drill = page.getByRole("button", { name: t("act_drill"), exact: true });
  await expect(drill).toBeDisabled();
  await expect(drill).toHaveAccessibleDescription(new RegExp(`${t("gate_standby_not_ready")}|${t("gate_never_synced")}`));
  await sandbox.calm("zone_exhausted");
  await expect(page.getByRole("link", { name: t("act_drill"), exact: true })).toBeVisible({ timeout: 60_000 });
});

test("sync is paused and goes on, the GPU is stopped and started, both are let go", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("loom");
  await page.goto(`/app/machines/${gpu}`);
  const follows = value(section(page, t("sync")), t("sync_follows"));
  await expect(follows).toHaveText(t("on"));
  await page.getByRole("button", { name: t("act_pause_sync") }).click();
  await expect(page.getByText(t("said_sync_paused"))).toBeVisible();
  await expect(follows).toHaveText(t("off"));
  await page.getByRole("button", { name: t("act_resume_sync") }).click();
  await expect(page.getByText(t("said_sync_resumed"))).toBeVisible();
  await expect(follows).toHaveText(t("on"));

  await page.getByRole("link", { name: t("act_pause"), exact: true }).click();
  await expect(dialog(page)).toContainText(t("stops_costing"));
  await dialog(page).getByRole("button", { name: t("act_pause"), exact: true }).click();
  await expect(page.getByText(t("said_paused"))).toBeVisible();
  // A pause of one's own is no loss: nothing fails over.
  await expect(sentence(page)).toContainText(t("machine_on_none"), { timeout: 30_000 });
  await page.getByRole("link", { name: t("act_resume"), exact: true }).click();
  await dialog(page).getByRole("button", { name: t("act_resume"), exact: true }).click();
  await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 60_000 });
  await expect(section(page, t("history"))).toContainText(t("history_none"));

  await page.getByRole("link", { name: t("act_destroy"), exact: true }).click();
  await expect(dialog(page)).toContainText(t("what_destroy"));
  await expect(dialog(page)).toContainText(`loom · ${gpu}`);
  await dialog(page).getByLabel(t("destroy_standby")).check();
  await dialog(page).getByRole("button", { name: t("do_destroy") }).click();
  await expect(page.getByText(t("said_destroying"))).toBeVisible();
  await expect(page.getByRole("heading", { name: t("machines_none") })).toBeVisible({ timeout: 60_000 });
  await sandbox.untilBilled(gpu, false);
});

test("when the provider does not answer, the list says how old it is", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.rent("quiet", false);
  const row = page.getByRole("row", { name: new RegExp(String(gpu)) });
  await page.goto("/app");
  await expect(row).toBeVisible();
  await sandbox.arm("vast_api_down");
  await expect(page.getByRole("alert").filter({ hasText: t("list_stale") })).toBeVisible({ timeout: 40_000 });
  await expect(page.getByText(t("listed_last"))).toBeVisible();
  await expect(row).toBeVisible();
  await sandbox.calm();
  await expect(page.getByRole("alert").filter({ hasText: t("list_stale") })).toHaveCount(0, { timeout: 40_000 });
});
