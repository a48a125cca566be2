// The way in: nobody gets past the login, and an empty install asks for its first account.
import { pressMenu } from "../support/screen.ts";
import { expect, expectAccessible, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

test("the process says that it is well", async ({ request }) => {
  expect((await request.get("/healthz")).status()).toBe(200);
});

test("without a token the API gives a problem document and nothing else", async ({ request }) => {
  const response = await request.get("/api/v1/instances");
  expect(response.status()).toBe(401);
  expect(response.headers()["content-type"]).toContain("application/problem+json");
});

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("an empty install makes its first account, and asks for credentials next", async ({ page, emptyStack, t, watch }) => {
      watch.allowStatus(422);
      await page.goto(emptyStack.url);
      await expect(page).toHaveURL(/\/setup$/);
      await expect(page.getByRole("heading", { level: 1, name: t("setup_title") })).toBeVisible();
      await expect(page.locator("html")).toHaveAttribute("lang", locale === "pt-BR" ? "pt-BR" : "en");
      await expectAccessible(page);
      await expect(page.getByLabel(t("setup_token"))).toHaveValue("");
      // The token that was printed is in no address that is asked for, and leaves the bar at once.
      const token = emptyStack.setupAddress.split("#")[1] ?? "";
      expect(token).toMatch(/^[0-9a-f]{32}$/);
      const asked: string[] = [];
      page.on("request", (request) => asked.push(`${request.url()} ${request.headers()["referer"] ?? ""}`));
      await page.goto(emptyStack.setupAddress);
      await expect(page.getByLabel(t("setup_token"))).toHaveValue(token);
      await expect(page).toHaveURL(/\/setup$/);
      await page.reload();
      await page.goto(emptyStack.setupAddress);
      await expect(page.getByLabel(t("setup_token"))).toHaveValue(token);

      // Too short a password: said beside its field, the rest is kept.
      await page.getByLabel(t("email")).fill("first@dumont.local");
      await page.getByLabel(t("username")).fill("first");
      await page.getByLabel(t("password")).fill("short");
      await page.getByRole("button", { name: t("setup_do") }).click();
      await expect(page.getByRole("alert")).toContainText(t("wrong_fields"));
      await expect(page.getByLabel(t("password"))).toHaveAttribute("aria-invalid", "true");
      await expect(page.getByLabel(t("password"))).toHaveValue("");
      await expect(page.getByLabel(t("email"))).toHaveValue("first@dumont.local");
      await expectAccessible(page);

      await page.getByLabel(t("password")).fill("correct horse battery");
      await page.getByRole("button", { name: t("setup_do") }).click();
      await expect(page).toHaveURL(/\/app\/settings\/credentials$/);
      expect(asked.length).toBeGreaterThan(2);
      for (const one of asked) expect(one).not.toContain(token);
      await expect(page.getByRole("link", { name: t("nav_credentials") })).toHaveAttribute("aria-current", "page");

      // There is a first account now: nobody else can make one that way.
      await page.goto(`${emptyStack.url}/setup`);
      await expect(page).toHaveURL(/\/app$/);
    });

    test("a wrong login is refused without saying which half was wrong; a right one leads on", async ({ page, stack, t, watch }) => {
      watch.allowStatus(401);
      const ana = await stack.person({ bare: true });
      await page.goto("/app/failovers?days=7&kind=drill");
      await expect(page).toHaveURL(/\/login\?next=/);
      for (const [name, password] of [[ana.name, "not the password"], ["nobody-at-all", ana.password]] as const) {
        await page.getByLabel(t("login_name")).fill(name);
        await page.getByLabel(t("password")).fill(password);
        await page.getByRole("button", { name: t("login_do") }).click();
        await expect(page.getByRole("alert")).toContainText(t("wrong_login"));
        await expect(page.getByRole("alert")).toContainText(t("problem_request"));
        await expect(page.getByLabel(t("login_name"))).toHaveValue(name);
      }
      await expectAccessible(page);
      // Either name of the account is good, and the page that was asked for comes next.
      await page.getByLabel(t("login_name")).fill(ana.email);
      await page.getByLabel(t("password")).fill(ana.password);
      await page.getByRole("button", { name: t("login_do") }).click();
      await expect(page).toHaveURL(/\/app\/failovers\?days=7&kind=drill$/);
    });

    test("too many wrong logins close the account for a while", async ({ page, stack, t, watch }) => {
      watch.allowStatus(429);
      const ana = await stack.person({ bare: true });
      for (let attempt = 0; attempt < 10; attempt += 1) {
        await page.request.post("/login", { form: { username: ana.name, password: "wrong password" } });
      }
      await page.goto("/login");
      await page.getByLabel(t("login_name")).fill(ana.name);
      await page.getByLabel(t("password")).fill(ana.password);
      await page.getByRole("button", { name: t("login_do") }).click();
      await expect(page.getByRole("alert")).toContainText(t("wrong_too_many"));
    });
  });
}

test("after the logout nothing of the account is shown, not even by going back", async ({ page, ana, t }) => {
  await page.goto("/app");
  await expect(page.getByRole("heading", { level: 1, name: t("machines") })).toBeVisible();
  const menu = await pressMenu(page);
  await expect(menu).toContainText(ana.name);
  await menu.getByRole("button", { name: t("log_out") }).click();
  await expect(page).toHaveURL(/\/login$/);
  await page.goBack();
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByText(ana.name)).toHaveCount(0);
});
