// Without JavaScript: everything can be read, filled in and done.
import { pressMenu, section, sentence, value } from "../support/screen.ts";
import { expect, test } from "../support/test.ts";
import { WORDS } from "../support/words.ts";

test.use({ javaScriptEnabled: false });

test("someone logs in, reads every page and changes the language", async ({ page, keeper, t }) => {
  await page.goto("/app");
  await page.getByLabel(t("login_name")).fill(keeper.person.name);
  await page.getByLabel(t("password")).fill(keeper.person.password);
  await page.getByRole("button", { name: t("login_do") }).click();
  await expect(page.getByRole("row", { name: /sample/ })).toContainText(t("on_gpu"));
  await page.getByRole("link", { name: "sample" }).click();
  await expect(sentence(page)).toContainText(t("machine_safe"));
  await expect(section(page, t("readiness"))).toContainText(t("check_synced"));
  // Nothing pretends to be live.
  await expect(page.getByRole("banner").getByText(t("live_on"), { exact: true })).toBeHidden();
  await expect(page.getByRole("banner").getByText(t("live_begin"), { exact: true })).toBeHidden();
  await section(page, t("history")).getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 2, name: t("timeline") })).toBeVisible();
  await page.getByRole("navigation", { name: t("nav_label") }).getByRole("link", { name: t("nav_failovers") }).click();
  await expect(section(page, t("history")).getByRole("link", { name: "sample" })).toBeVisible();
  await (await pressMenu(page)).getByRole("button", { name: t("language_pt"), exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: WORDS.pt("failovers") })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "pt-BR");
  await (await pressMenu(page)).getByRole("button", { name: t("language_en"), exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
});

test("settings are saved and refused as with it", async ({ page, ana, t }) => {
  expect(ana.name).toBeTruthy();
  await page.goto("/app/settings");
  // The estimate of what is chosen is in the page.
  await expect(page.getByText(t.like("estimate_spot"))).toBeVisible();
  await page.getByLabel(t("disk"), { exact: true }).fill("55");
  await page.getByRole("button", { name: t("save") }).click();
  await expect(page.getByText(t("said_saved"))).toBeVisible();
  await expect(value(section(page, t("saved_now")), t("standby"))).toContainText("55 GB");
});

test("a GPU is rented, protected and drilled by forms alone", async ({ page, ana, t }) => {
  await ana.configure({ enabled: true });
  await page.goto("/app/offers");
  await page.getByRole("link", { name: t("rent"), exact: true }).first().click();
  await expect(page.getByRole("heading", { level: 1, name: t("rent_question") })).toBeVisible();
  await page.getByLabel(t("machine_name")).fill("plain");
  await page.getByRole("button", { name: t.like("rent_do") }).click();
  await expect(page.getByText(t("said_rented"))).toBeVisible();
  const gpu = Number(page.url().match(/machines\/(\d+)/)?.[1]);
  await ana.until("the first copy", async () => {
    const tie = await ana.ask<{ state: string; sync_count: number }>("GET", `/standby/associations/${gpu}`);
    return tie.state === "following" && tie.sync_count > 0 ? tie : undefined;
  });
  await page.reload();
  await page.getByRole("link", { name: t("act_drill"), exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: t("ask_drill") })).toBeVisible();
  await page.getByRole("button", { name: t("do_drill") }).click();
  await expect(page).toHaveURL(/\/app\/failovers\/[^/]+$/);
  await ana.untilOver(page.url().match(/failovers\/([^/?]+)/)?.[1] ?? "");
  await page.reload();
  await expect(sentence(page)).toContainText(t.like("sentence_drill_passed"));
});
