// APIs & Credentials: a secret is tried at its provider before it is kept, and never shown again.
import { section, sentence, value } from "../support/screen.ts";
import { expect, expectAccessible, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("a Vast.ai key: refused when wrong, kept when right, removed with consent", async ({ page, stack, t, watch }) => {
      watch.allowStatus(424);
      watch.allowStatus(422);
      const ana = await stack.person({ bare: true });
      await ana.enter(page);
      await page.goto("/app");
      await expect(page.getByText(t("machines_none_no_key"))).toBeVisible();
      await page.getByRole("link", { name: t("to_credentials") }).click();

      const card = section(page, t("vast_title"));
      await expect(value(card, t("state"))).toContainText(t("key_missing"));
      await card.getByLabel(t("vast_key")).fill("not a key");
      await card.getByRole("button", { name: t("key_store") }).click();
      await expect(card.getByLabel(t("vast_key"))).toHaveAttribute("aria-invalid", "true");
      await expect(card.getByText(t("field_key"))).toBeVisible();

      await card.getByLabel(t("vast_key")).fill("a-key-that-no-account-has");
      await card.getByRole("button", { name: t("key_store") }).click();
      await expect(page.getByRole("alert").first()).toContainText(t("wrong_vast_refused"));
      await expect(card.getByLabel(t("vast_key"))).toHaveValue("");
      await expectAccessible(page);

      await card.getByLabel(t("vast_key")).fill(ana.customer.vast_api_key);
      await card.getByRole("button", { name: t("key_store") }).click();
      await expect(page.getByText(t("said_key_stored"))).toBeVisible();
      await expect(value(card, t("state"))).toContainText(t("key_ok"));
      await expect(value(card, t("key_account"))).toHaveText(ana.customer.email);
      expect(await page.content()).not.toContain(ana.customer.vast_api_key);

      await card.locator("summary", { hasText: t("key_remove") }).click();
      await expect(card.getByText(t("key_remove_what"))).toBeVisible();
      await card.getByRole("button", { name: t("key_remove_do") }).click();
      await expect(page.getByText(t("said_key_removed"))).toBeVisible();
      await expect(value(card, t("state"))).toContainText(t("key_missing"));
    });

    test("a service account: refused when it is none or lacks a permission, kept when it works", async ({ page, stack, sandbox, t, watch }) => {
      watch.allowStatus(424);
      watch.allowStatus(422);
      const ana = await stack.person({ bare: true });
      await ana.enter(page);
      await page.goto("/app/settings/credentials");
      const card = section(page, t("gcp_title"));
      const file = JSON.stringify(ana.customer.gcp_service_account);

      await card.getByLabel(t("gcp_key")).fill('{"type": "authorized_user"}');
      await card.getByRole("button", { name: t("key_store") }).click();
      await expect(card.getByText(t("field_service_account"))).toBeVisible();

      // One that is missed when looking, and one that only making a standby needs.
      for (const permission of ["compute.instances.list", "compute.instances.create"]) {
        await sandbox.arm("permission_denied", { params: { permission } });
        await card.getByLabel(t("gcp_key")).fill(file);
        await card.getByRole("button", { name: t("key_store") }).click();
        const alert = page.getByRole("alert").first();
        await expect(alert).toContainText(t("wrong_gcp_refused"));
        await expect(alert).toContainText(permission);
        await sandbox.calm();
      }
      const permission = "compute.instances.create";
      await card.locator("summary", { hasText: t("gcp_permissions") }).click();
      await expect(card.getByRole("listitem").filter({ hasText: permission })).toBeVisible();
      await expectAccessible(page);

      await card.getByLabel(t("gcp_key")).fill(file);
      await card.getByRole("button", { name: t("key_store") }).click();
      await expect(page.getByText(t("said_key_stored"))).toBeVisible();
      await expect(value(card, t("state"))).toContainText(t("key_ok"));
      await expect(value(card, t("key_account"))).toHaveText(String(ana.customer.gcp_service_account.project_id));
      expect(await page.content()).not.toContain("PRIVATE KEY");
    });
  });
}

test("a permission that is taken away later is named where the standby is missed", async ({ page, ana, sandbox, t }) => {
  const permission = "compute.instances.create";
  await ana.configure({ enabled: true });
  await sandbox.arm("permission_denied", { params: { permission } });
  const gpu = await ana.rent("unready");
  await page.goto(`/app/machines/${gpu}`);
  await expect(page.getByRole("main").getByText(permission).first()).toBeVisible({ timeout: 40_000 });
  await sandbox.calm();
  await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 75_000 });
});

test("a provider that does not answer says nothing against a key, and nothing is kept", async ({ page, stack, sandbox, t, watch }) => {
  watch.allowStatus(502);
  const ana = await stack.person({ bare: true });
  await ana.enter(page);
  await sandbox.arm("vast_api_down");
  await page.goto("/app/settings/credentials");
  const card = section(page, t("vast_title"));
  await card.getByLabel(t("vast_key")).fill(ana.customer.vast_api_key);
  await card.getByRole("button", { name: t("key_store") }).click();
  await expect(page.getByRole("alert").first()).toContainText(t("wrong_provider_down"));
  await expect(value(card, t("state"))).toContainText(t("key_missing"));
});
