// On a phone, 390 px wide: nothing is cut off, nothing is too small to be hit.
import type { Page } from "@playwright/test";
import { pagesOf, PUBLIC } from "../support/pages.ts";
import { dialog, pressMenu } from "../support/screen.ts";
import { expect, expectLive, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });

/** What sticks out to the right, though the page can't be scrolled there on purpose. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element: Element) => {
      for (let up = element.parentElement; up; up = up.parentElement) {
        if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(up).overflowX)) return true;
      }
      return false;
    };
    const out = [...document.querySelectorAll("body *")].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.width > 0 && box.right > width + 1 && !scrolls(element) && element.checkVisibility();
    });
    const page = document.documentElement.scrollWidth > width ? [`the page is ${document.documentElement.scrollWidth} px wide`] : [];
    return [...page, ...out.map((element) => element.outerHTML.slice(0, 120))];
  });
}

/** Buttons and links of the bar that a thumb can't hit. */
function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() => [...document.querySelectorAll("button, a.button, summary, nav a, input, select")]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.closest("dialog:not([open])") === null)
    .filter((element) => {
      // A box's label is hit as well as the box.
      const target = element.matches("input[type=checkbox]") ? element.closest(".field") ?? element : element;
      const box = target.getBoundingClientRect();
      return box.height > 0 && (box.height < 24 || box.width < 24);
    })
    .map((element) => element.outerHTML.slice(0, 120)));
}

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("every page fits", async ({ page, keeper, t }, info) => {
      for (const [, path] of PUBLIC) {
        await page.goto(path);
        expect(await tooWide(page), path).toEqual([]);
      }
      await keeper.person.enter(page);
      for (const [name, path] of pagesOf(keeper)) {
        await page.goto(path);
        await expectLive(page, t);
        expect(await tooWide(page), `too wide on ${path}`).toEqual([]);
        expect(await tooSmall(page), `too small on ${path}`).toEqual([]);
        await page.screenshot({ path: info.outputPath(`${name}.png`), fullPage: true });
      }
    });
  });
}

test("where a machine runs and how to get in stands on the first screen", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  await page.goto(`/app/machines/${keeper.gpu}`);
  await expectLive(page, t);
  const copy = page.getByRole("region", { name: t("now"), exact: true }).getByRole("button", { name: t("copy"), exact: true });
  await expect(copy).toHaveCount(1);
  const box = await copy.boundingBox();
  expect((box?.y ?? 9_999) + (box?.height ?? 0)).toBeLessThanOrEqual(844);
  expect(await page.evaluate(() => window.scrollY)).toBe(0);
});

test("the way to a drill is as short as on a desk", async ({ page, keeper, t, watch }) => {
  // The emulated screen changes its size between pages, which ends the browser's own transition.
  watch.allow(/Transition was (aborted|skipped)/);
  await keeper.person.enter(page);
  await page.goto("/app");
  await expectLive(page, t);
  // A row is a list of its own there, with the columns' names beside the values.
  const name = page.getByRole("link", { name: "sample", exact: true });
  await expect(name).toBeVisible();
  await name.tap();
  await page.getByRole("link", { name: t("act_drill"), exact: true }).tap();
  await expect(dialog(page).getByRole("heading", { name: t("ask_drill") })).toBeVisible();
  expect(await tooWide(page)).toEqual([]);
  await dialog(page).getByRole("link", { name: t("back"), exact: true }).tap();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await (await pressMenu(page)).getByRole("link", { name: t("nav_failovers"), exact: true }).tap();
  await expect(page.getByRole("heading", { level: 1, name: t("failovers") })).toBeVisible();
});
