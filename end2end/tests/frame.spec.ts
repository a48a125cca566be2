// What stands around every page: the tab's title and icon, being offline, what a form said, times, the
// list of machines, pages and acts, shortcuts, and notifications of the browser itself.
import type { Page } from "@playwright/test";
import { dialog } from "../support/screen.ts";
import { expect, expectAccessible, expectLive, test } from "../support/test.ts";

const icon = (page: Page) => page.locator("link[rel=icon]");
const palette = (page: Page) => dialog(page).getByRole("combobox");

test("the tab tells of a failover while nobody reloads, and is calm before and after", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("spindle");
  await page.goto("/app");
  await expectLive(page, t);
  await expect(page).toHaveTitle(`${t("machines")} · Dumont`);
  await expect(icon(page)).toHaveAttribute("href", "/favicon.svg");
  // One that does not renew itself is kept true by the bar.
  const still = await page.context().newPage();
  await still.goto("/app/settings");
  await expectLive(still, t);
  await sandbox.arm("no_credit");
  await sandbox.pullThePlug(gpu);
  await expect(page).toHaveTitle(/^[◐✕◆] /);
  await expect(icon(page)).toHaveAttribute("href", /favicon-(busy|down|standby)\.svg/);
  await still.bringToFront();
  await expect(still).toHaveTitle(/^[◐✕◆] /);
  // Also before any script: the server draws it.
  const drawn = await page.context().request.get(`/app/machines/${gpu}`);
  expect(await drawn.text()).toMatch(/<title[^>]*>[◐✕◆] /);
  await sandbox.calm();
  await page.bringToFront();
  await expect(page).toHaveTitle(`${t("machines")} · Dumont`, { timeout: 60_000 });
  await expect(icon(page)).toHaveAttribute("href", "/favicon.svg");
});

test("offline is said, and nothing goes on counting as live", async ({ page, keeper, t, watch }) => {
  watch.allow(/net::ERR_/);
  await keeper.person.enter(page);
  await page.goto(`/app/machines/${keeper.gpu}`);
  await expectLive(page, t);
  await page.context().setOffline(true);
  const bar = page.getByRole("banner");
  await expect(bar.getByText(t("live_offline"), { exact: true })).toBeVisible();
  await expect(bar.locator(".dot-age")).toBeEmpty();
  await page.context().setOffline(false);
  await expectLive(page, t);
});

test("what a form said leaves the address and is not said again", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  const address = `/app/machines/${keeper.gpu}`;
  await page.goto(`${address}?said=sync_resumed`);
  await expect(page.getByText(t("said_sync_resumed"))).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`${address}$`));
  await page.reload();
  await expectLive(page, t);
  await expect(page.getByText(t("said_sync_resumed"))).toHaveCount(0);
});

test.describe("in Berlin", () => {
  test.use({ timezoneId: "Europe/Berlin" });

  test("times are those of the reader's zone on that date, and the zone is named", async ({ page, keeper, t }) => {
    await keeper.person.enter(page);
    await page.goto("/app/failovers");
    await expectLive(page, t);
    await page.reload();
    const time = page.getByRole("main").locator("table time").first();
    const shown = await time.getAttribute("title");
    const wanted = await time.evaluate((element) => {
      const parts = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: "Europe/Berlin" });
      return parts.format(new Date(element.getAttribute("datetime") ?? ""));
    });
    expect(shown).toContain(wanted);
    const kept = (await page.context().cookies()).find((cookie) => cookie.name === "dumont_zone");
    // Summer is another distance than winter.
    expect(kept?.value).toMatch(/^\d+~\d+\.\d+.*@Europe\/Berlin$/);
    await page.getByRole("banner").locator("details.menu summary").click();
    await expect(page.getByText(t("times_in", { zone: "Europe/Berlin" }))).toBeVisible();
  });
});

test("machines, pages and acts are found by keyboard alone", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto(`/app/machines/${keeper.gpu}`);
  await expectLive(page, t);
  await page.keyboard.press("Control+k");
  await expect(palette(page)).toBeFocused();
  await expectAccessible(page);
  const chosen = () => palette(page).getAttribute("aria-activedescendant");
  const first = await chosen();
  expect(first).not.toBeNull();
  await page.keyboard.press("ArrowDown");
  expect(await chosen()).not.toBe(first);
  await page.keyboard.press("ArrowUp");
  expect(await chosen()).toBe(first);
  // A part of a name is enough; what can be done here asks in the dialog.
  await page.keyboard.type(t("act_drill").toLowerCase().slice(0, 4));
  await expect(dialog(page).getByRole("option", { selected: true })).toContainText(t("act_drill"));
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("heading", { name: t("ask_drill") })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await palette(page).fill("zzzz");
  await expect(dialog(page).getByText(t("palette_none"))).toBeVisible();
  await palette(page).fill(t("audit").toLowerCase());
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 2, name: t("audit") })).toBeVisible();
});

test("shortcuts lead to pages, are listed, rest in fields and can be switched off", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app");
  await expectLive(page, t);
  await page.keyboard.press("?");
  await expect(dialog(page).getByRole("heading", { name: t("shortcuts") })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await expect(page.getByRole("heading", { level: 1, name: t("kinds_real") })).toBeVisible();
  await expectLive(page, t);
  const machine = page.getByLabel(t("col_machine"), { exact: true });
  await machine.click();
  await page.keyboard.type("g?m");
  await expect(machine).toHaveValue("g?m");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.goto("/app/shortcuts");
  await page.getByRole("button", { name: t("off"), exact: true }).click();
  await expect(page.getByRole("button", { name: t("off"), exact: true })).toHaveAttribute("aria-pressed", "true");
  await expectLive(page, t);
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.keyboard.press("Control+k");
  await expect(palette(page)).toBeFocused();
  await expect(page).toHaveURL(/\/app\/shortcuts$/);
});

test("the documentation of the API is a link away", async ({ page, keeper, t, watch }) => {
  // Its pages have no transition of their own.
  watch.allow(/Transition was (aborted|skipped)/);
  await keeper.person.enter(page);
  await page.goto("/app");
  await page.getByRole("banner").locator("details.menu summary").click();
  await page.getByRole("link", { name: t("nav_docs") }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("API");
});

test("the browser is asked for its leave when the switch is pressed, and a no is said", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app/notifications");
  await expectLive(page, t);
  const state = page.getByRole("status").filter({ hasText: t("alerts_off") });
  if (await page.evaluate(() => Notification.permission) === "denied") {
    // A browser without a screen refuses by itself.
    await expect(page.getByText(t("alerts_denied"))).toBeVisible();
    await expect(page.getByRole("button", { name: t("alerts_turn_on") })).toHaveCount(0);
  } else {
    await expect(state).toBeVisible();
  }
  const alerts = page.getByRole("region", { name: t("alerts"), exact: true });
  await expect(alerts.getByRole("button")).toHaveCount(await page.evaluate(() => Notification.permission) === "denied" ? 0 : 1);
  await page.context().grantPermissions(["notifications"]);
  await page.reload();
  await expectLive(page, t);
  await page.getByRole("button", { name: t("alerts_turn_on") }).click();
  await expect(page.getByText(t("alerts_on"))).toBeVisible();
  await page.reload();
  await expect(page.getByText(t("alerts_on"))).toBeVisible();
  await page.getByRole("button", { name: t("alerts_turn_off") }).click();
  await expect(page.getByText(t("alerts_off"))).toBeVisible();
});

test("what happens while nobody looks at the page is shown by the browser, each once", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("lookout");
  await page.addInitScript(() => {
    // A browser without a screen shows none: this one writes down what it is given.
    class Shown extends EventTarget {
      static permission = "granted";
      static all: { title: string; tag: string }[] = [];
      static async requestPermission() { return "granted"; }
      onclick: (() => void) | null = null;
      constructor(title: string, options?: { tag?: string }) {
        super();
        Shown.all.push({ title, tag: options?.tag ?? "" });
      }
    }
    Object.defineProperty(window, "Notification", { value: Shown });
    localStorage.setItem("dumont_alerts", "on");
  });
  const shown = () => page.evaluate(() => (window.Notification as unknown as { all: { title: string; tag: string }[] }).all);
  await page.goto("/app");
  await expectLive(page, t);
  await page.evaluate(() => Object.defineProperty(document, "hidden", { get: () => true }));
  await sandbox.pullThePlug(gpu);
  await expect.poll(async () => (await shown()).length, { timeout: 60_000 }).toBeGreaterThan(1);
  const all = await shown();
  for (const one of all) expect(one.title).toContain("lookout");
  const tags = all.map((one) => one.tag);
  expect(new Set(tags).size).toBe(tags.length);
  for (const tag of tags) expect(tag).toMatch(/^\/app\/notifications\/\d+/);
});

test("offers are found by a part of the model's name", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app/offers");
  await page.getByLabel(t("model"), { exact: true }).fill("4090");
  await page.getByRole("button", { name: t("search"), exact: true }).click();
  const models = page.getByRole("main").locator("tbody th");
  await expect(models.first()).toContainText("RTX 4090");
  for (const model of await models.allInnerTexts()) expect(model).toContain("RTX 4090");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test("the bar is one row, and the places are in its menu", async ({ page, keeper, t }) => {
    await keeper.person.enter(page);
    await page.goto("/app");
    await expectLive(page, t);
    const bar = await page.getByRole("banner").boundingBox();
    expect(bar?.height).toBeLessThanOrEqual(56);
    await page.getByRole("banner").locator("details.menu summary").tap();
    await expectAccessible(page);
    await page.getByRole("navigation", { name: t("nav_label") }).getByRole("link", { name: t("nav_failovers") }).tap();
    await expect(page.getByRole("heading", { level: 1, name: t("kinds_real") })).toBeVisible();
  });
});
