// The credit in the bar: being asked, known, low, old, not readable. None of them looks like another,
// and what is not known is never zero.
import type { Locator, Page } from "@playwright/test";
import { value } from "../support/screen.ts";
import { expect, test } from "../support/test.ts";
import type { Words } from "../support/words.ts";

/** The figure in the bar, which leads to the page that explains it. */
function credit(page: Page, t: Words): Locator {
  return page.getByRole("banner").getByRole("link", { name: t.like("balance") }).and(page.locator("[href='/app/balance']"));
}

test("while the provider is slow the credit is asked for, and comes by itself", async ({ page, stack, sandbox, t }) => {
  const ana = await stack.person({ bare: true, credit: 41.5 });
  await ana.enter(page);
  await sandbox.arm("latency_ms", { target: "user", params: { ms: 2_500 } });
  await ana.storeVastKey();
  await page.goto("/app/settings");
  await expect(credit(page, t)).toContainText("--");
  await expect(credit(page, t)).toHaveAttribute("title", t("balance_asking"));
  await expect(credit(page, t)).not.toContainText("$");
  await expect(credit(page, t)).toContainText("$41.50");
});

test("a credit that was never read is an error with its reason, not an amount", async ({ page, stack, sandbox, t }) => {
  const ana = await stack.person({ bare: true });
  await ana.enter(page);
  // No key yet.
  await page.goto("/app/settings");
  await expect(credit(page, t)).toContainText(t("balance_no_key"));
  await expect(credit(page, t)).not.toContainText("$");

  // The first look is under way when Vast.ai goes down.
  await sandbox.arm("latency_ms", { target: "user", params: { ms: 2_000 } });
  await ana.storeVastKey();
  await sandbox.arm("vast_api_down");
  await sandbox.calm("latency_ms");
  await page.goto("/app/balance");
  await expect(credit(page, t)).toContainText(t("balance_failed"));
  await page.reload();
  await expect(page.getByRole("main").getByRole("alert")).toContainText(t("wrong_provider_down"));
  await expect(page.getByText("$")).toHaveCount(0);
});

test("a credit of zero is zero, and one that was known is old when it can't be read", async ({ page, stack, sandbox, t }) => {
  const ana = await stack.person({ credit: 0 });
  await ana.enter(page);
  await page.goto("/app/balance");
  await expect(credit(page, t)).toContainText("$0.00");
  await expect(value(page.getByRole("main"), t("balance_lasts"))).toHaveText(t("balance_nothing_runs"));
  await expect(value(page.getByRole("main"), t("balance_account"))).toHaveText(ana.customer.email);

  await sandbox.arm("vast_api_down");
  await expect(async () => {
    await page.reload();
    await expect(credit(page, t)).toHaveAttribute("title", t("balance_old"), { timeout: 500 });
  }).toPass({ timeout: 40_000 });
  await expect(credit(page, t)).toContainText("$0.00");
  await expect(credit(page, t)).toContainText(t.like("balance_as_of"));
});

test("a credit that would not pay for a replacement is low", async ({ page, ana, sandbox, t }) => {
  await ana.rent("thin", false);
  await sandbox.setCredit(ana.customer, 0.01);
  await expect(async () => {
    await page.goto("/app/balance");
    await expect(credit(page, t)).toContainText(t("balance_low"), { timeout: 500 });
  }).toPass({ timeout: 40_000 });
  await expect(credit(page, t)).toHaveAttribute("title", t("balance_low_what"));
  await expect(value(page.getByRole("main"), t("balance_burn"))).toContainText("$");
});
