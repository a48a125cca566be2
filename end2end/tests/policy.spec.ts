// The content policy: no inline script, no inline style, nothing from elsewhere; and the ears of all
// these tests hear when it is broken.
import { expect, expectLive, test } from "../support/test.ts";

test("pages allow nothing inline and nothing from elsewhere", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  const answer = await page.goto(`/app/machines/${keeper.gpu}`);
  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe-inline");
  expect(policy).not.toContain("'unsafe-eval'");
  expect(policy).toContain("frame-ancestors 'none'");
  await expectLive(page, t);
  const elsewhere = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name).filter((name) => !name.startsWith(location.origin)));
  expect(elsewhere).toEqual([]);
});

test("a script that is put into a page does not run, and is heard", async ({ page, watch }) => {
  watch.allow(/content policy: script-src|Executing inline script violates|violates the following Content Security Policy/);
  await page.goto("/login");
  const heard = page.waitForEvent("console", (message) => message.text().startsWith("content policy: script-src"));
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'taken over'";
    document.body.append(script);
  });
  await heard;
  expect(await page.title()).not.toBe("taken over");
});

test("a form that another site sends is not taken", async ({ page, stack, ana }) => {
  const answer = await page.request.post("/prefs", { form: { lang: "pt-BR" }, headers: { "sec-fetch-site": "cross-site" }, maxRedirects: 0 });
  expect(answer.status()).toBe(403);
  const me = await ana.ask<{ user: { settings: { locale: string | null } } }>("GET", "/auth/me");
  expect(me.user.settings.locale).toBeNull();
  expect(stack.url).toContain("127.0.0.1");
});

test("assets are kept for a year under names that change with them, and pages are not kept", async ({ page }) => {
  const answer = await page.goto("/login");
  expect(answer?.headers()["cache-control"]).toBe("no-store");
  const assets = await page.locator("link[rel=stylesheet], link[rel=modulepreload]").evaluateAll((links) => links.map((link) => (link as HTMLLinkElement).href));
  expect(assets.length).toBeGreaterThan(1);
  for (const asset of assets) {
    const got = await page.request.get(asset, { headers: { "accept-encoding": "br" } });
    expect(got.headers()["cache-control"], asset).toMatch(/max-age=31536000.*immutable|immutable.*max-age=31536000/);
    expect(got.headers()["content-encoding"], asset).toBe("br");
  }
});
