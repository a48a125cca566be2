// Everything by keyboard: a way past the bar, an order that follows the page, dialogs that hold and
// return the focus.
import type { Page } from "@playwright/test";
import { dialog } from "../support/screen.ts";
import { expect, expectLive, test } from "../support/test.ts";

/** Tabs through the whole page; gives what had the focus, in order. */
async function tour(page: Page): Promise<{ reached: number; missed: string[]; outOfOrder: string[] }> {
  await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLElement>("a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
    const shown = all.filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.closest("dialog:not([open])") === null);
    Object.assign(window, { wanted: shown, seen: [] });
    document.addEventListener("focusin", (event) => {
      (window as unknown as { seen: EventTarget[] }).seen.push(event.target as EventTarget);
    });
  });
  const count = await page.evaluate(() => (window as unknown as { wanted: unknown[] }).wanted.length);
  for (let step = 0; step < count + 5; step += 1) await page.keyboard.press("Tab");
  return page.evaluate(() => {
    const { wanted, seen } = window as unknown as { wanted: HTMLElement[]; seen: HTMLElement[] };
    const order = seen.filter((element, index) => wanted.includes(element) && seen.indexOf(element) === index);
    const name = (element: HTMLElement) => element.outerHTML.slice(0, 100);
    return {
      reached: order.length,
      missed: wanted.filter((element) => element.isConnected && !seen.includes(element)).map(name),
      outOfOrder: order.filter((element, index) => index > 0
        && (order[index - 1]!.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) === 0).map(name),
    };
  });
}

test("each page is walked through from top to bottom, and nothing is left out", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  for (const path of ["/app", `/app/machines/${keeper.gpu}`, "/app/offers", "/app/failovers", `/app/failovers/${keeper.failover}`,
    "/app/settings", "/app/settings/credentials", "/app/settings/account"]) {
    await page.goto(path);
    await expectLive(page, t);
    const { reached, missed, outOfOrder } = await tour(page);
    expect(missed, `not reached on ${path}`).toEqual([]);
    expect(outOfOrder, `out of order on ${path}`).toEqual([]);
    expect(reached).toBeGreaterThan(8);
  }
});

test("the first stop leads past the bar", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: t("skip") })).toBeFocused();
  await expect(page.getByRole("link", { name: t("skip") })).toBeInViewport();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const inside = await page.evaluate(() => document.activeElement?.closest("main") !== null);
  expect(inside).toBe(true);
});

test("what has the focus shows it", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app/settings");
  await expectLive(page, t);
  await page.keyboard.press("Tab");
  for (let step = 0; step < 25; step += 1) {
    await page.keyboard.press("Tab");
    const shown = await page.evaluate(() => {
      // Past the last stop the browser itself has the focus.
      if (document.activeElement === document.body) return true;
      for (let element = document.activeElement; element; element = element.parentElement) {
        const style = getComputedStyle(element);
        if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) return true;
        if (element.classList.contains("field")) break;
      }
      return false;
    });
    expect(shown, await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120))).toBe(true);
  }
});

test("a dialog takes the focus, keeps it, and gives it back", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto(`/app/machines/${keeper.gpu}`);
  await expectLive(page, t);
  const opener = page.getByRole("link", { name: t("act_drill"), exact: true });
  await opener.focus();
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("heading", { name: t("ask_drill") })).toBeVisible();
  await expect(page.getByRole("dialog", { name: t("ask_drill") })).toBeVisible();
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    // Out of the dialog there is the browser itself at most, never the page behind it.
    expect(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null)).toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(opener).toBeFocused();

  // The button that goes back does the same.
  await page.keyboard.press("Enter");
  await dialog(page).getByRole("link", { name: t("back"), exact: true }).press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(opener).toBeFocused();
});

test("a menu opens with Enter and closes with Escape", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto("/app");
  await expectLive(page, t);
  const summary = page.getByRole("banner").locator("summary").last();
  await summary.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: t("log_out") })).toBeVisible();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: t("log_out") })).toBeHidden();
  await expect(summary).toBeFocused();
});
