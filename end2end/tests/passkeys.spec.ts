// A passkey from beginning to end, made and used by Chromium with an authenticator that is a real one but for its
// hardware: added, asked for at the login and before a token, named, removed.
import type { Page } from "@playwright/test";
import type { Person } from "../support/person.ts";
import { expect, expectAccessible, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

/** Passkeys belong to a name, and an address of this machine is none. */
const named = (url: string): string => url.replace("127.0.0.1", "localhost");

/** Gives a page's browser an authenticator; it says yes to everything until it is told otherwise. */
async function authenticator(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: false, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  return { session, authenticatorId };
}

/** Logs a browser in under the name, by the form that the login page sends. */
async function enter(page: Page, ana: Person): Promise<void> {
  const answer = await page.context().request.post(`${named(ana.stack.url)}/login`, {
    form: { username: ana.name, password: ana.password },
    maxRedirects: 0,
  });
  expect(answer.status()).toBe(303);
}

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("a passkey is added, asked for, named and removed", async ({ page, stack, another, t, watch }) => {
      watch.allowStatus(401);
      watch.allowStatus(422);
      const ana = await stack.person();
      const at = named(stack.url);
      const account = `${at}/app/settings/account`;
      const factors = `${account}/second-factor`;
      await enter(page, ana);
      const { session, authenticatorId } = await authenticator(page);

      await page.goto(factors);
      await expect(page.getByText(t("passkeys_none"))).toBeVisible();
      await expectAccessible(page);
      // Not without a name for it.
      await page.getByRole("button", { name: t("passkey_add") }).click();
      await expect(page.getByLabel(t("passkey_name"))).toBeFocused();
      await page.getByLabel(t("passkey_name")).fill("laptop");
      // Whoever is asked may refuse.
      await session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
      await page.getByRole("button", { name: t("passkey_add") }).click();
      const made = page.getByRole("status").filter({ hasText: t("recovery_made") });
      await expect(made.getByRole("listitem")).toHaveCount(10);
      const recovery = await made.getByRole("listitem").first().innerText();
      await expect(page.getByRole("rowheader", { name: "laptop" }).or(page.getByText("laptop").first())).toBeVisible();
      await expectAccessible(page);
      const { credentials } = await session.send("WebAuthn.getCredentials", { authenticatorId });
      expect(credentials.map((one) => one.rpId ?? "localhost")).toEqual(["localhost"]);

      // The login's second step.
      await page.context().clearCookies();
      const logIn = async (on: Page) => {
        await on.goto(account);
        await on.getByLabel(t("login_name")).fill(ana.name);
        await on.getByLabel(t("password"), { exact: true }).fill(ana.password);
        await on.getByRole("button", { name: t("login_do") }).click();
        await expect(on.getByRole("heading", { level: 1, name: t("code_title") })).toBeVisible();
      };
      await logIn(page);
      await expectAccessible(page);
      await page.getByRole("button", { name: t("passkey_use") }).click();
      await expect(page).toHaveURL(account);
      const used = await session.send("WebAuthn.getCredentials", { authenticatorId });
      expect(used.credentials[0]?.signCount).toBeGreaterThan(credentials[0]?.signCount ?? 0);

      // Another browser has none of it: the page says so, and a recovery code opens.
      const elsewhere = await (await another()).newPage();
      await authenticator(elsewhere);
      await logIn(elsewhere);
      await elsewhere.getByRole("button", { name: t("passkey_use") }).click();
      await expect(elsewhere.getByText(t("passkey_not_used"))).toBeVisible();
      await expectAccessible(elsewhere);
      await elsewhere.getByRole("textbox", { name: t("factor_recovery_code"), exact: true }).fill(recovery);
      await elsewhere.getByRole("button", { name: t("login_do") }).click();
      await expect(elsewhere).toHaveURL(account);

      // Without JavaScript a code is typed, and the page says why.
      const plain = await (await another({ javaScriptEnabled: false })).newPage();
      await logIn(plain);
      await expect(plain.getByText(t("passkey_no_script"))).toBeVisible();
      await expect(plain.getByRole("button", { name: t("passkey_use") })).toBeHidden();

      // Before another password.
      await page.goto(account);
      const change = page.locator("#password");
      await change.getByLabel(t("password_current")).fill(ana.password);
      await change.getByLabel(t("password_new")).fill(`${ana.password} again`);
      await change.getByRole("button", { name: t("passkey_use") }).click();
      await expect(page.getByText(t("said_password"))).toBeVisible();

      // Named anew, and removed with itself.
      await page.goto(factors);
      await page.getByLabel(t("passkey_new_name")).fill("desk");
      await page.getByRole("button", { name: t("passkey_rename") }).click();
      await expect(page.getByText(t("said_passkey_renamed"))).toBeVisible();
      const remove = page.locator("#remove");
      await remove.getByLabel(t("factor_which")).selectOption({ label: "desk" });
      await remove.getByLabel(t("confirm_password")).fill(`${ana.password} again`);
      await remove.getByRole("button", { name: t("passkey_use") }).click();
      await expect(page.getByText(t("said_factor_removed"))).toBeVisible();
      await expect(page.getByText(t("factor_off"))).toBeVisible();
    });

    test("an address that has no name offers none and says why", async ({ page, ana, t }) => {
      expect(ana.name).not.toBe("");
      await page.goto("/app/settings/account/second-factor");
      await expect(page.getByText(t("passkeys_not_here"))).toBeVisible();
      await expect(page.getByRole("button", { name: t("passkey_add") })).toHaveCount(0);
      await expectAccessible(page);
    });
  });
}
