// Accounts: each sees what is theirs and nothing else; sessions and tokens end when they are told to.
import { pressMenu, section } from "../support/screen.ts";
import { expect, expectLive, test } from "../support/test.ts";
import { WORDS } from "../support/words.ts";

test("a second user sees nothing of the first", async ({ page, stack, keeper, t, watch }) => {
  watch.allowStatus(404);
  const bob = await stack.person();
  await bob.enter(page);
  await page.goto("/app");
  await expect(page.getByRole("heading", { name: t("machines_none") })).toBeVisible();
  await page.goto("/app/failovers?kind=drill&days=90");
  await expect(page.getByRole("heading", { name: t("report_empty") })).toBeVisible();
  for (const path of [
    `/app/machines/${keeper.gpu}`,
    `/app/machines/${keeper.gpu}/destroy`,
    `/app/failovers/${keeper.failover}`,
    `/app/failovers/${keeper.failover}/cancel`,
  ]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(page.getByRole("heading", { level: 1, name: t("not_found") })).toBeVisible();
    await expect(page.getByText("sample")).toHaveCount(0);
  }
  // Nor can they act on it.
  const acted = await page.request.post(`/app/machines/${keeper.gpu}/destroy`, { form: {} });
  expect(acted.status()).toBe(404);
  const there = await keeper.person.ask<{ status: string }>("GET", `/instances/${keeper.gpu}`);
  expect(there.status).toBe("running");
});

test("a revoked session ends on the page that it has open", async ({ page, stack, another, t, watch }) => {
  watch.allowStatus(401);
  const ana = await stack.person();
  await ana.enter(page);
  const elsewhere = await (await another()).newPage();
  await ana.enter(elsewhere);
  await elsewhere.goto("/app");
  await expectLive(elsewhere, t);

  await page.goto("/app/settings/account");
  const sessions = section(page, t("sessions"));
  await expect(sessions.getByRole("row").filter({ has: page.getByRole("rowheader") })).toHaveCount(2);
  await expect(sessions.getByRole("row", { name: t.like("this_one") }).getByRole("button")).toHaveCount(0);
  await sessions.getByRole("button", { name: t("revoke") }).click();
  await expect(page.getByText(t("said_session_revoked"))).toBeVisible();
  await expect(sessions.getByRole("row").filter({ has: page.getByRole("rowheader") })).toHaveCount(1);
  // The other one notices by itself.
  await expect(elsewhere).toHaveURL(/\/login/, { timeout: 30_000 });
});

test("a new password ends the other sessions, and the old one opens nothing", async ({ page, stack, another, t, watch }) => {
  watch.allowStatus(401);
  watch.allowStatus(422);
  const ana = await stack.person({ bare: true });
  await ana.enter(page);
  const elsewhere = await (await another()).newPage();
  await ana.enter(elsewhere);

  await page.goto("/app/settings/account");
  await page.getByLabel(t("password_current")).fill("not the password");
  await page.getByLabel(t("password_new")).fill("a longer password than before");
  await page.getByRole("button", { name: t("password_change") }).click();
  await expect(page.getByText(t("field_wrong_password"))).toBeVisible();
  await expect(page.getByLabel(t("password_new"))).toHaveValue("");

  await page.getByLabel(t("password_current")).fill(ana.password);
  await page.getByLabel(t("password_new")).fill("a longer password than before");
  await page.getByRole("button", { name: t("password_change") }).click();
  await expect(page.getByText(t("said_password"))).toBeVisible();
  await elsewhere.goto("/app");
  await expect(elsewhere).toHaveURL(/\/login/);
  const old = await elsewhere.request.post("/login", { form: { username: ana.name, password: ana.password } });
  expect(old.status()).toBe(401);
});

test("an API token is shown once, works, and ends when it is revoked", async ({ page, ana, playwright, stack, t, watch }) => {
  watch.allowStatus(422);
  expect(ana.name).toBeTruthy();
  await page.goto("/app/settings/account");
  const tokens = section(page, t("tokens"));
  await tokens.getByLabel(t("token_name")).fill("nightly job");
  // Nothing more than looking, and an end, unless something else is chosen.
  await expect(tokens.getByLabel(t("token_scope"), { exact: true })).toHaveValue("read");
  await expect(tokens.getByLabel(t("token_lifetime"))).toHaveValue("90");
  await tokens.getByLabel(t("token_lifetime")).selectOption("30");
  await tokens.getByRole("button", { name: t("token_make") }).click();
  const made = page.getByRole("status").filter({ hasText: t("token_made") });
  await expect(made).toContainText(t("token_once"));
  const token = (await made.locator("code").innerText()).trim();
  expect(token).toMatch(/^dumont_sk_/);
  const program = await playwright.request.newContext({ baseURL: stack.url, extraHTTPHeaders: { authorization: `Bearer ${token}` } });
  expect((await program.get("/api/v1/instances")).status()).toBe(200);
  const refused = await program.put("/api/v1/settings", { data: { theme: "dark" } });
  expect([refused.status(), (await refused.json()).code]).toEqual([403, "scope_needed"]);

  await page.goto("/app/settings/account");
  expect(await page.content()).not.toContain(token);
  await tokens.getByRole("row", { name: /nightly job/ }).getByRole("button", { name: t("revoke") }).click();
  await expect(page.getByText(t("said_token_revoked"))).toBeVisible();
  await expect(tokens.getByText("nightly job")).toHaveCount(0);
  expect((await program.get("/api/v1/instances")).status()).toBe(401);
  await program.dispose();
});

test("a login over the API is listed beside the browsers and can be ended there", async ({ page, ana, playwright, stack, t }) => {
  const program = await playwright.request.newContext({ baseURL: stack.url, userAgent: "nightly/1.0" });
  const login = await program.post("/api/v1/auth/login", { data: { email: ana.email, password: ana.password } });
  expect(login.headers()["set-cookie"]).toBeUndefined();
  const headers = { authorization: `Bearer ${(await login.json()).token}` };
  expect((await program.get("/api/v1/auth/me", { headers })).status()).toBe(200);

  await page.goto("/app/settings/account");
  const row = section(page, t("sessions")).getByRole("row", { name: /nightly\/1\.0/ });
  await expect(row).toContainText(t("session_api"));
  await row.getByRole("button", { name: t("revoke") }).click();
  await expect(page.getByText(t("said_session_revoked"))).toBeVisible();
  expect((await program.get("/api/v1/auth/me", { headers })).status()).toBe(401);
  await program.dispose();
});

test("the page that asks for the password again leads back", async ({ page, ana, t, watch }) => {
  watch.allowStatus(422);
  await page.goto("/app/settings/confirm?next=/app/settings/credentials");
  await page.getByLabel(t("confirm_password")).fill("not the password");
  await page.getByRole("button", { name: t("confirm_do") }).click();
  await expect(page.getByText(t("field_wrong_password"))).toBeVisible();
  await page.getByLabel(t("confirm_password")).fill(ana.password);
  await page.getByRole("button", { name: t("confirm_do") }).click();
  await expect(page).toHaveURL(/\/app\/settings\/credentials$/);
});

test("the audit log tells what was done here, and only that of its owner", async ({ page, ana, stack, another, t }) => {
  await page.goto("/app/settings/account");
  const tokens = section(page, t("tokens"));
  await tokens.getByLabel(t("token_name")).fill("audited");
  await tokens.getByRole("button", { name: t("token_make") }).click();
  await page.goto("/app/settings/audit?area=access");
  const made = page.getByRole("row", { name: t.like("action_create_token") }).first();
  await expect(made).toContainText(t("credential_session"));
  await expect(made).toContainText(t("audit_done"));
  await expect(page.getByRole("row", { name: t.like("action_log_in") }).first()).toBeVisible();
  const file = await page.request.get("/api/v1/audit?format=csv");
  expect(await file.text()).toContain("create_token");
  expect(ana.name).toBeTruthy();

  const bob = await stack.person({ bare: true });
  const elsewhere = await (await another()).newPage();
  await bob.enter(elsewhere);
  await elsewhere.goto("/app/settings/audit");
  await expect(elsewhere.getByRole("row", { name: t.like("action_log_in") })).toHaveCount(1);
  await expect(elsewhere.getByText("audited")).toHaveCount(0);
});

test("language and theme stay with the account, whatever the browser asks for", async ({ page, ana, another, t }) => {
  await page.goto("/app/settings");
  await (await pressMenu(page)).getByRole("button", { name: t("language_pt"), exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "pt-BR");
  await expect(page).toHaveURL(/\/app\/settings$/);
  await expect(page.getByRole("heading", { level: 1, name: WORDS.pt("settings") })).toBeVisible();
  await (await pressMenu(page)).getByRole("button", { name: WORDS.pt("theme_dark"), exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const dark = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

  const elsewhere = await (await another()).newPage();
  await ana.enter(elsewhere);
  await elsewhere.goto("/app/settings");
  await expect(elsewhere.locator("html")).toHaveAttribute("lang", "pt-BR");
  expect(await elsewhere.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(dark);
  await (await pressMenu(elsewhere)).getByRole("button", { name: WORDS.pt("theme_light"), exact: true }).click();
  await expect(elsewhere.locator("html")).toHaveAttribute("data-theme", "light");
  expect(await elsewhere.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).not.toBe(dark);
});
