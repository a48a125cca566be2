// A second factor from beginning to end: set up, asked for, replaced by a recovery code, turned off.
import { createHmac } from "node:crypto";
import { expect, expectAccessible, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

/** The code of an authenticator app (RFC 6238), so many steps from now. */
function code(secret: string, ahead: number): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", key).update(step).digest();
  const word = digest.readUInt32BE((digest[19] ?? 0) & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("it is set up, asked for at the next login, and turned off", async ({ page, stack, another, t, watch }) => {
      watch.allowStatus(401);
      watch.allowStatus(422);
      const ana = await stack.person();
      await ana.enter(page);
      const elsewhere = await (await another()).newPage();
      await ana.enter(elsewhere);
      await page.goto("/app/settings/account");
      await expect(page.getByText(t("factor_off"))).toBeVisible();
      await page.getByRole("link", { name: t("factor_set_up") }).click();
      await page.getByRole("button", { name: t("factor_begin"), exact: true }).click();
      await expect(page.getByRole("img", { name: t("factor_qr") })).toBeVisible();
      await expectAccessible(page);
      const secret = (await page.getByRole("main").locator("code").first().innerText()).replaceAll(/\s/g, "");
      expect(secret).toMatch(/^[A-Z2-7]{32}$/);

      await page.getByRole("textbox", { name: t("factor_code"), exact: true }).fill("abcdef");
      await page.getByRole("button", { name: t("factor_activate") }).click();
      await expect(page.getByText(t("wrong_code")).first()).toBeVisible();
      await expectAccessible(page);
      await page.getByRole("textbox", { name: t("factor_code"), exact: true }).fill(code(secret, 0));
      await page.getByRole("button", { name: t("factor_activate") }).click();
      const made = page.getByRole("status").filter({ hasText: t("recovery_made") });
      await expect(made.getByRole("listitem")).toHaveCount(10);
      const recovery = await made.getByRole("listitem").first().innerText();
      await expectAccessible(page);
      // What the password alone let in is out, and nothing shows secret or codes again.
      await elsewhere.goto("/app");
      await expect(elsewhere).toHaveURL(/\/login/);
      await page.goto("/app/settings/account/second-factor");
      const content = await page.content();
      expect(content).not.toContain(recovery);
      expect(content).not.toContain(secret.slice(0, 8));
      await expect(page.getByRole("img", { name: t("factor_qr") })).toHaveCount(0);
      await expectAccessible(page);

      // With a code of the app's.
      const logIn = async (on: typeof page, typed: string) => {
        await on.goto("/app/settings/account");
        await on.getByLabel(t("login_name")).fill(ana.name);
        await on.getByLabel(t("password"), { exact: true }).fill(ana.password);
        await on.getByRole("button", { name: t("login_do") }).click();
        await expect(on.getByRole("heading", { level: 1, name: t("code_title") })).toBeVisible();
        await on.getByRole("textbox", { name: t("factor_code"), exact: true }).fill(typed);
        await on.getByRole("button", { name: t("login_do") }).click();
      };
      await logIn(elsewhere, "000 00");
      await expect(elsewhere.getByText(t("wrong_code")).first()).toBeVisible();
      await expectAccessible(elsewhere);
      await elsewhere.getByRole("textbox", { name: t("factor_code"), exact: true }).fill(code(secret, 1));
      await elsewhere.getByRole("button", { name: t("login_do") }).click();
      await expect(elsewhere).toHaveURL(/\/app\/settings\/account$/);

      // With a recovery code, once.
      const phoneless = await (await another()).newPage();
      await logIn(phoneless, recovery);
      await expect(phoneless).toHaveURL(/\/app\/settings\/account$/);
      await expect(phoneless.getByRole("term").filter({ hasText: t("factor_codes_left") })).toBeVisible();
      const late = await (await another()).newPage();
      await logIn(late, recovery);
      await expect(late.getByText(t("wrong_code")).first()).toBeVisible();

      // Made anew, and off with one of those.
      await page.goto("/app/settings/account/second-factor");
      await page.getByRole("button", { name: t("recovery_make") }).click();
      const other = await made.getByRole("listitem").first().innerText();
      expect(other).not.toBe(recovery);
      await page.getByLabel(t("confirm_password")).fill(ana.password);
      await page.getByRole("textbox", { name: t("factor_code"), exact: true }).fill(other);
      await page.getByRole("button", { name: t("factor_remove") }).click();
      await expect(page.getByText(t("said_factor_removed"))).toBeVisible();
      await expect(page.getByText(t("factor_off"))).toBeVisible();
    });
  });
}
