// The way in: nobody gets past the login, and an empty install asks for its first account.
import { expect, expectAccessible, test } from "../support/test.ts";

test("the process says that it is well", async ({ request }) => {
  expect((await request.get("/healthz")).status()).toBe(200);
});

test("without a session the machines lead to the login", async ({ page }) => {
  await page.goto("/app");
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expectAccessible(page);
});

test("without a token the API gives a problem document and nothing else", async ({ request }) => {
  const response = await request.get("/api/v1/instances");
  expect(response.status()).toBe(401);
  expect(response.headers()["content-type"]).toContain("application/problem+json");
});

test("an empty install leads to the set-up of its first account", async ({ page, ownStack }) => {
  await page.goto(ownStack.url);
  await expect(page).toHaveURL(/\/setup/);
  await expectAccessible(page);
});
