// Settings → CPU Failover: what is chosen is saved and said, and what can't be saved is said where it
// stands, with nothing typed lost.
import { place, section, value } from "../support/screen.ts";
import { expect, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("every control comes back as it was saved", async ({ page, ana, t }) => {
      await page.goto("/app/settings");
      await page.getByLabel(t("auto_standby")).check();
      await page.getByLabel(t("zone")).selectOption("us-central1-a");
      await page.getByLabel(t("machine_type")).selectOption("e2-small");
      await page.getByLabel(t("disk"), { exact: true }).fill("64");
      await page.getByLabel(t("spot_vm")).uncheck();
      await page.getByLabel(t("auto_failover")).uncheck();
      await page.getByLabel(t("sync_interval")).fill("7");
      await page.getByLabel(t("max_delete")).fill("35");
      await page.getByLabel(t("auto_recovery")).uncheck();
      await page.getByLabel(t("gpu_class")).selectOption({ label: t("class_at_least") });
      await page.getByLabel(t("max_price")).fill("0.85");
      await page.getByLabel(t("min_reliability")).fill("97.5");
      await page.getByLabel(t("region")).fill("US, DE");
      await page.getByRole("button", { name: t("save") }).click();
      await expect(page.getByText(t("said_saved"))).toBeVisible();

      await page.goto("/app/settings");
      await expect(page.getByLabel(t("auto_standby"))).toBeChecked();
      await expect(page.getByLabel(t("zone"))).toHaveValue("us-central1-a");
      await expect(page.getByLabel(t("machine_type"))).toHaveValue("e2-small");
      await expect(page.getByLabel(t("disk"), { exact: true })).toHaveValue("64");
      await expect(page.getByLabel(t("spot_vm"))).not.toBeChecked();
      await expect(page.getByLabel(t("auto_failover"))).not.toBeChecked();
      await expect(page.getByLabel(t("sync_interval"))).toHaveValue("7");
      await expect(page.getByLabel(t("max_delete"))).toHaveValue("35");
      await expect(page.getByLabel(t("auto_recovery"))).not.toBeChecked();
      await expect(page.getByLabel(t("max_price"))).toHaveValue("0.85");
      await expect(page.getByLabel(t("min_reliability"))).toHaveValue("97.5");
      await expect(page.getByLabel(t("region"))).toHaveValue("US, DE");
      // What is saved now, in words.
      const saved = section(page, t("saved_now"));
      await expect(value(saved, t("auto_standby"))).toHaveText(t("on"));
      await expect(value(saved, t("auto_failover"))).toHaveText(t("off"));
      await expect(value(saved, t("standby"))).toContainText("e2-small · us-central1-a · 64 GB");
      const config = await ana.ask<{ config: Record<string, unknown> }>("GET", "/standby/status");
      expect(config.config).toMatchObject({
        gcp_zone: "us-central1-a", gcp_disk_size: 64, gcp_spot: false, sync_interval: 7, max_price: 0.85, countries: ["US", "DE"],
      });
    });

    test("each field that can't be accepted says why beside it, and keeps what was typed", async ({ page, ana, t, watch }) => {
      watch.allowStatus(422);
      await page.goto("/app/settings");
      const wrong: [string, string, string][] = [
        [t("disk"), "9", t("field_between", { low: 10, high: 500 })],
        [t("sync_interval"), "301", t("field_between", { low: 1, high: 300 })],
        [t("max_delete"), "0", t("field_between", { low: 1, high: 100 })],
        [t("min_reliability"), "101", t("field_between", { low: 0, high: 100 })],
        [t("max_price"), "-1", t("field_above_zero")],
        [t("region"), "Germany", t("field_countries")],
      ];
      for (const [label, typed] of wrong) await page.getByLabel(label, { exact: true }).fill(typed);
      // The browser itself holds the form back.
      await page.getByRole("button", { name: t("save") }).click();
      expect(await page.getByLabel(t("disk"), { exact: true }).evaluate((input: HTMLInputElement) => input.validity.rangeUnderflow)).toBe(true);
      await expect(page.getByRole("alert")).toHaveCount(0);
      // One that does not is answered by the server.
      await page.locator("form[data-guard]").evaluate((form: HTMLFormElement) => { form.noValidate = true; });
      await page.getByRole("button", { name: t("save") }).click();
      await expect(page.getByRole("alert").first()).toContainText(t("wrong_fields"));
      for (const [label, typed, says] of wrong) {
        const field = page.getByLabel(label, { exact: true });
        await expect(field).toHaveValue(typed);
        await expect(field).toHaveAttribute("aria-invalid", "true");
        await expect(field).toHaveAccessibleDescription(new RegExp(says.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
      }
      const { config } = await ana.ask<{ config: { gcp_disk_size: number } }>("GET", "/standby/status");
      expect(config.gcp_disk_size).toBe(100);
    });

    test("without a working service account nothing is saved, and the way to it is shown", async ({ page, stack, sandbox, t, watch }) => {
      watch.allowStatus(424);
      const ana = await stack.person({ bare: true });
      await ana.enter(page);
      await page.goto("/app/settings");
      await expect(page.getByText(t("gcp_missing"))).toBeVisible();
      await page.getByLabel(t("auto_standby")).check();
      await page.getByLabel(t("disk"), { exact: true }).fill("123");
      await page.getByRole("button", { name: t("save") }).click();
      await expect(page.getByRole("alert").first()).toContainText(t("wrong_gcp_missing"));
      await expect(page.getByLabel(t("disk"), { exact: true })).toHaveValue("123");
      await expect(page.getByLabel(t("auto_standby"))).toBeChecked();

      // One that was good once and is refused now.
      await ana.storeCredentials();
      await sandbox.arm("permission_denied");
      await page.getByRole("button", { name: t("save") }).click();
      await expect(page.getByRole("alert").first()).toContainText(t("wrong_gcp_refused"));
      await expect(page.getByLabel(t("disk"), { exact: true })).toHaveValue("123");
      await page.getByRole("alert").first().getByRole("link", { name: t("problem_to_credentials") }).click();
      await expect(page).toHaveURL(/\/app\/settings\/credentials#field-gcp_credentials$/);
      await expect(value(section(page, t("gcp_title")), t("state"))).toContainText(t("key_refused"));
    });
  });
}

test("the estimate follows the form and is the one that the API gives", async ({ page, ana, t }) => {
  await page.goto("/app/settings");
  const estimate = page.getByRole("status").filter({ hasText: "VM" });
  const told = async (zone: string, type: string, disk: number, spot: boolean) => {
    const price = await ana.ask<{ estimated_monthly_usd: number; breakdown: Record<string, number> }>(
      "GET", `/standby/pricing?zone=${zone}&machine_type=${type}&disk_gb=${disk}&spot=${spot}`);
    const usd = (amount: number) => `$${amount.toFixed(2)}`;
    return t(spot ? "estimate_spot" : "estimate_standard", {
      total: usd(price.estimated_monthly_usd),
      vm: usd(price.breakdown.vm_monthly ?? NaN),
      disk: usd(price.breakdown.disk_monthly ?? NaN),
      ip: usd(price.breakdown.ip_monthly ?? NaN),
    });
  };
  await expect(estimate).toContainText(await told("europe-west1-b", "e2-medium", 100, true));
  await page.getByLabel(t("disk"), { exact: true }).fill("250");
  await expect(estimate).toContainText(await told("europe-west1-b", "e2-medium", 250, true));
  await page.getByLabel(t("machine_type")).selectOption("e2-standard-4");
  await page.getByLabel(t("zone")).selectOption("us-central1-a");
  await expect(estimate).toContainText(await told("us-central1-a", "e2-standard-4", 250, true));
  await page.getByLabel(t("spot_vm")).uncheck();
  await expect(estimate).toContainText(await told("us-central1-a", "e2-standard-4", 250, false));
  await expect(page.getByText(t.like("estimate_source"))).toBeVisible();
});

test("changes that were not saved are not left without a question", async ({ page, ana, t }) => {
  expect(ana.name).toBeTruthy();
  await page.goto("/app/settings");
  const disk = page.getByLabel(t("disk"), { exact: true });
  await disk.fill("77");
  const asked = page.waitForEvent("dialog");
  const stay = place(page, t, "nav_machines").click().catch(() => undefined);
  const question = await asked;
  expect(question.type()).toBe("beforeunload");
  await question.dismiss();
  await stay;
  await expect(page).toHaveURL(/\/app\/settings$/);
  await expect(disk).toHaveValue("77");
  // Saving is no leaving, and afterwards nothing is asked.
  await page.getByRole("button", { name: t("save") }).click();
  await expect(page.getByText(t("said_saved"))).toBeVisible();
  await place(page, t, "nav_machines").click();
  await expect(page).toHaveURL(/\/app$/);
});
