// The whole way: a drill, a pulled plug followed to the end, a planned move, one that is cancelled and
// brought back. What the pages say is compared with the sandbox's ledger.
import { dialog, section, sentence, value } from "../support/screen.ts";
import { expect, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

/** The number of the failover that the page is of. */
const idOf = (url: string) => url.match(/failovers\/([^/?]+)/)?.[1] ?? "";

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("the plug is pulled, and the page follows to the new GPU", async ({ page, ana, sandbox, t }) => {
      const lost = await ana.protectedMachine("spindle");
      await page.goto(`/app/machines/${lost}`);
      await expect(sentence(page)).toContainText(t("machine_safe"));
      await sandbox.pullThePlug(lost);
      // The page of the machine leads to it, without being loaded again.
      await page.getByRole("main").getByRole("link", { name: t.like("machine_under_way") }).click({ timeout: 30_000 });
      await expect(page).toHaveURL(/\/app\/failovers\/[^/]+$/);
      await expect(page.getByRole("heading", { level: 1, name: t("title_real", { machine: "spindle" }) })).toBeVisible();
      await page.evaluate(() => { Object.assign(window, { same: true }); });
      await expect(sentence(page)).toContainText(t.like("sentence_recovered"), { timeout: 60_000 });
      expect(await page.evaluate(() => "same" in window), "the same page").toBe(true);

      await expect(sentence(page)).toContainText(t.like("sentence_both"));
      const told = await ana.failover(idOf(page.url()));
      expect(told).toMatchObject({ kind: "real", state: "complete", success: true });
      const phases = page.getByRole("row");
      for (const phase of ["detecting", "gpu_lost", "failover_to_cpu", "searching_gpu", "provisioning", "restoring"]) {
        await expect(phases.filter({ hasText: t(`phase_${phase}`) }).first()).toContainText(t("phase_done"));
      }
      await expect(value(section(page, t("data")), t("restored"))).toContainText(t("restored_yes"));
      await expect(value(section(page, t("data")), t("files_verified"))).toContainText(/\d/);
      // One GPU was bought, the lost one is gone, and both are said.
      const instances = section(page, t("instances"));
      await expect(instances.getByRole("row", { name: new RegExp(String(told.new_gpu_id)) })).toContainText(t("fate_kept"));
      await expect(instances.getByRole("row", { name: new RegExp(String(lost)) })).toContainText(t("verified_gone"), { timeout: 30_000 });
      await sandbox.untilBilled(lost, false);
      await sandbox.untilBilled(told.new_gpu_id ?? 0, true);
      await expect(section(page, t("journal")).getByRole("row")).not.toHaveCount(0);

      await page.getByRole("link", { name: t("to_machine"), exact: true }).click();
      await expect(page).toHaveURL(new RegExp(`/app/machines/${told.new_gpu_id}$`));
      await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 30_000 });
    });
  });
}

test("a drill rehearses it all and leaves the running GPU alone", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("bobbin");
  await page.goto(`/app/machines/${gpu}`);
  await page.getByRole("link", { name: t("act_drill"), exact: true }).click();
  await expect(dialog(page).getByRole("heading", { name: t("ask_drill") })).toBeVisible();
  await expect(value(dialog(page), t("forecast_cost"))).toContainText("$");
  await dialog(page).getByLabel(t("reason"), { exact: true }).fill("before the weekend");
  await dialog(page).getByRole("button", { name: t("do_drill") }).click();
  await expect(page).toHaveURL(/\/app\/failovers\/[^/]+$/);
  await expect(page.getByRole("main").getByText(t("kind_drill"), { exact: true }).first()).toBeVisible();
  await expect(sentence(page)).toContainText(t.like("sentence_drill_passed"), { timeout: 60_000 });
  await expect(page.getByText("before the weekend")).toBeVisible();
  const told = await ana.ask<{ instances: { id: string | number; role: string; provider: string }[] }>(
    "GET", `/standby/failover/status/${idOf(page.url())}`);
  const bought = told.instances.filter((one) => one.provider === "vast.ai" && Number(one.id) !== gpu);
  expect(bought.length).toBeGreaterThan(0);
  for (const one of bought) await sandbox.untilBilled(Number(one.id), false);
  await sandbox.untilBilled(gpu, true);
  await page.goto(`/app/machines/${gpu}`);
  await expect(value(page.getByRole("main"), t("col_last_drill")).first()).toContainText(t("passed"));
  await expect(sentence(page)).toContainText(t("machine_safe"));
});

test("a machine is moved on purpose, and nothing is claimed of writes that no command stopped", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("shuttle");
  await page.goto(`/app/machines/${gpu}`);
  await page.getByRole("link", { name: t("act_fail_over"), exact: true }).click();
  await expect(dialog(page)).toContainText(t("what_fail_over"));
  await dialog(page).getByRole("button", { name: t("do_fail_over") }).click();
  await expect(page.getByRole("heading", { level: 1, name: t("title_planned", { machine: "shuttle" }) })).toBeVisible();
  await expect(sentence(page)).toContainText(t.like("sentence_moved"), { timeout: 60_000 });
  await expect(sentence(page)).toContainText(t("sentence_loss_unknown"));
  await sandbox.untilBilled(gpu, false);
});

test("a failover is cancelled on its standby, and the machine is brought back to a GPU", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("heddle");
  await sandbox.arm("stuck_loading");
  await sandbox.pullThePlug(gpu);
  const { failover_id: id } = await ana.untilFailingOver(gpu);
  await page.goto(`/app/failovers/${id}`);
  // On the standby already, while the GPU that was bought does not come up.
  await expect(sentence(page)).toContainText(t.like("sentence_cpu"), { timeout: 30_000 });
  await expect(page.getByRole("row").filter({ hasText: t("phase_provisioning") }).first()).toContainText(t("phase_runs"), { timeout: 30_000 });
  await page.getByRole("link", { name: t("act_cancel"), exact: true }).click();
  await expect(dialog(page)).toContainText(t("cancel_what"));
  await expect(value(dialog(page), t("spent_so_far"))).toContainText("$");
  await dialog(page).getByRole("button", { name: t("cancel_do") }).click();
  await expect(sentence(page)).toContainText(t("sentence_cancelled"), { timeout: 60_000 });
  await sandbox.calm();

  // What was bought is gone; the machine serves from its standby.
  const told = await ana.ask<{ instances: { id: string | number; provider: string; role: string }[] }>("GET", `/standby/failover/status/${id}`);
  for (const one of told.instances.filter((one) => one.provider === "vast.ai" && one.role !== "old_gpu")) await sandbox.untilBilled(Number(one.id), false);
  await page.goto("/app");
  await expect(page.getByRole("row", { name: /heddle/ })).toContainText(t("on_standby"));
  await expect(sentence(page)).toContainText(t("count_standby_one", { n: 1 }));

  await page.goto(`/app/failovers/${id}`);
  await page.getByRole("link", { name: t("act_fail_back"), exact: true }).click();
  await expect(dialog(page)).toContainText(t("fail_back_what"));
  await dialog(page).getByRole("button", { name: t("fail_back_do") }).click();
  await expect(page).not.toHaveURL(new RegExp(id));
  await expect(sentence(page)).toContainText(t.like("sentence_moved"), { timeout: 60_000 });
  await page.getByRole("link", { name: t("to_machine"), exact: true }).click();
  await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 30_000 });
});

test("without credit a failover waits on the standby, says why, and goes on when there is some", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("treadle");
  await sandbox.arm("no_credit");
  await sandbox.pullThePlug(gpu);
  const { failover_id: id } = await ana.untilFailingOver(gpu);
  await page.goto(`/app/failovers/${id}`);
  await expect(page.getByRole("main").getByText(t("failover_waiting"), { exact: true }).first()).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("alert")).toContainText(t("trouble_waiting"));
  await expect(sentence(page)).toContainText(t.like("sentence_cpu"));
  await sandbox.calm();
  await expect(sentence(page)).toContainText(t.like("sentence_recovered"), { timeout: 75_000 });
});

test("what is over can't be cancelled, and says so", async ({ page, keeper, t, watch }) => {
  watch.allowStatus(409);
  await keeper.person.enter(page);
  await page.goto(`/app/failovers/${keeper.failover}/cancel`);
  await page.getByRole("button", { name: t("cancel_do") }).click();
  await expect(page.getByRole("alert")).toContainText(t("wrong_over"));
});
