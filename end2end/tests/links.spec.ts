// Links that let somebody in: an invitation makes an account, a reset link replaces a lost password.
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";

/** Every address that a page asks for, with what it says it came from. */
function addresses(page: Page): string[] {
  const all: string[] = [];
  page.on("request", (request) => all.push(`${request.url()} ${request.headers()["referer"] ?? ""}`));
  return all;
}

test("an invitation makes one account, and its code is in no address that is asked for", async ({ page, stack, another, t, watch }) => {
  watch.allowStatus(422);
  // Without any account every page leads to the first one's.
  await stack.person({ bare: true });
  const link = await stack.command(["user", "invite", "--note", "on call", "--site", stack.url]);
  const code = link.split("#")[1] ?? "";
  expect(code).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const name = `guest-${code.slice(0, 8).toLowerCase().replace(/[^a-z0-9]/g, "x")}`;
  const fill = async (on: Page, password: string) => {
    await on.getByLabel(t("email")).fill(`${name}@dumont.local`);
    await on.getByLabel(t("username"), { exact: true }).fill(name);
    await on.getByLabel(t("password"), { exact: true }).fill(password);
    await on.getByRole("button", { name: t("setup_do") }).click();
  };

  const asked = addresses(page);
  await page.goto(link);
  await expect(page.getByLabel(t("link_code"))).toHaveValue(code);
  await expect(page).toHaveURL(/\/join$/);
  await fill(page, "1234567890");
  await expect(page.getByText(t("field_guessable"))).toBeVisible();
  await expect(page.getByLabel(t("link_code"))).toHaveValue(code);
  await fill(page, "tijolo torto na varanda");
  await expect(page).toHaveURL(/\/app\/settings\/credentials/);
  expect(asked.length).toBeGreaterThan(2);
  for (const one of asked) expect(one).not.toContain(code);
  await page.goto("/app/settings/account");
  await expect(page.getByText(`${name}@dumont.local`)).toBeVisible();
  await expect(page.getByRole("link", { name: t("people"), exact: true })).toHaveCount(0);

  const late = await (await another()).newPage();
  await late.goto(link);
  await fill(late, "tijolo torto na varanda");
  await expect(late.getByText(t("field_no_link"))).toBeVisible();
});

test("after a reset the old session is out, and the new password is in", async ({ page, stack, another, t, watch }) => {
  watch.allowStatus(401);
  const ana = await stack.person({ bare: true });
  const old = await (await another()).newPage();
  await ana.enter(old);
  await old.goto("/app");
  const link = await stack.command(["user", "reset-link", "--email", ana.email, "--site", stack.url]);

  await page.goto(link);
  await expect(page.getByLabel(t("link_code"))).toHaveValue(link.split("#")[1] ?? "");
  await page.getByLabel(t("password_new")).fill("janela aberta de manhã");
  await page.getByRole("button", { name: t("reset_do") }).click();
  await expect(page.getByText(t("said_reset"))).toBeVisible();
  await old.goto("/app");
  await expect(old).toHaveURL(/\/login/);
  await page.getByLabel(t("login_name")).fill(ana.name);
  await page.getByLabel(t("password"), { exact: true }).fill("janela aberta de manhã");
  await page.getByRole("button", { name: t("login_do") }).click();
  await expect(page.getByRole("heading", { name: t("machines_none") })).toBeVisible();
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });

  test("the code is pasted", async ({ page, stack, t }) => {
    const ana = await stack.person({ bare: true });
    const link = await stack.command(["user", "reset-link", "--email", ana.email, "--site", stack.url]);
    await page.goto(link);
    await expect(page.getByLabel(t("link_code"))).toHaveValue("");
    await page.getByLabel(t("link_code")).fill(link.split("#")[1] ?? "");
    await page.getByLabel(t("password_new")).fill("janela aberta de manhã");
    await page.getByRole("button", { name: t("reset_do") }).click();
    await expect(page.getByText(t("said_reset"))).toBeVisible();
  });
});
