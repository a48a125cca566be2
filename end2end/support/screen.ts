// Where things are on a page, by what they are called.
import type { Locator, Page } from "@playwright/test";
import type { Words } from "./words.ts";

/** The section with this heading. */
export function section(page: Page, heading: string): Locator {
  return page.getByRole("region", { name: heading, exact: true }).filter({ has: page.getByRole("heading", { level: 2, name: heading, exact: true }) });
}

/** The value that stands beside a name in a list of properties or figures. */
export function value(within: Page | Locator, name: string): Locator {
  const page = "goto" in within ? within : within.page();
  const named = page.locator("dt").filter({ hasText: new RegExp(`^\\s*${escape(name)}\\s*$`) });
  return within.locator("dl > div").filter({ has: named }).locator("dd").first();
}

/** The sentence under the title. */
export function sentence(page: Page): Locator {
  return page.getByRole("main").locator("h1 + p").first();
}

/** The dialog that is open. */
export function dialog(page: Page): Locator {
  return page.getByRole("dialog");
}

/** A link of the bar. */
export function place(page: Page, t: Words, key: string): Locator {
  return page.getByRole("navigation", { name: t("nav_label") }).getByRole("link", { name: t(key), exact: true });
}

/** Opens or closes the menu under the person's name, or that of preferences before the login. */
export async function pressMenu(page: Page): Promise<Locator> {
  const menu = page.getByRole("banner").locator("details").last();
  await menu.locator("summary").click();
  return menu;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
