// What a page shows when a failover begins, goes on and ends takes places that were kept for it: nothing
// that someone reads or is about to press jumps away.
import type { Page } from "@playwright/test";
import { sentence } from "../support/screen.ts";
import { expect, expectLive, test } from "../support/test.ts";

/** What the sum of all shifts of a page may be, by the browser's own measure. */
const MOST = 0.02;

interface Shift { value: number; at: number; moved: string[] }

/** Has the page note each layout shift, with what moved and from where to where. */
async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    type Source = { node: Node | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly };
    type Entry = PerformanceEntry & { value: number; sources: Source[] };
    const shifts: Shift[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const { value, startTime, sources } of list.getEntries() as Entry[]) {
        const moved = sources.map(({ node, previousRect, currentRect }) => {
          const element = node instanceof Element ? node : node?.parentElement;
          const name = element?.getAttribute("data-key") ?? element?.id ?? "";
          return `${element?.tagName ?? "?"}.${element?.className ?? ""} ${name} `
            + `${Math.round(previousRect.y)}+${Math.round(previousRect.height)} -> ${Math.round(currentRect.y)}+${Math.round(currentRect.height)}`;
        });
        shifts.push({ value, at: startTime, moved });
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

const shifts = (page: Page) => page.evaluate(() => (window as unknown as { shifts: Shift[] }).shifts);

for (const [name, viewport] of [["desk", { width: 1440, height: 900 }], ["phone", { width: 390, height: 844 }]] as const) {
  test.describe(name, () => {
    test.use({ viewport });

    test("the pages of a machine stay where they are through a failover", async ({ page, ana, sandbox, t }) => {
      const gpu = await ana.protectedMachine("spindle");
      await watchShifts(page);
      const list = await page.context().newPage();
      await watchShifts(list);
      await list.goto("/app");
      await expectLive(list, t);
      await page.goto(`/app/machines/${gpu}`);
      await expectLive(page, t);
      await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 30_000 });
      // What moved while it was loaded is told late on a busy machine: only what moves from here on counts.
      const since = { machine: await page.evaluate(() => performance.now()), list: await list.evaluate(() => performance.now()) };
      await sandbox.pullThePlug(gpu);
      await expect(sentence(page)).toContainText(t.like("machine_under_way"), { timeout: 30_000 });
      const { failover_id: id } = await ana.untilFailingOver(gpu);
      await ana.untilOver(id);
      await expect(sentence(page)).toContainText(t("machine_safe"), { timeout: 60_000 });
      for (const [of, open] of [["machine", page], ["list", list]] as const) {
        const seen = (await shifts(open)).filter(({ at }) => at > since[of]);
        const sum = seen.reduce((all, { value }) => all + value, 0);
        const told = seen.map(({ value, moved }) => `${value.toFixed(4)} ${moved.join(" | ")}`).join("\n");
        expect.soft(sum, `${of}:\n${told}`).toBeLessThan(MOST);
      }
    });
  });
}
