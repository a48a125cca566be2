// Every page in both themes and both languages: axe finds nothing, the sandbox mark is on it, and a
// picture of it lies in the test's output.
import type { Page, TestInfo } from "@playwright/test";
import { pagesOf } from "../support/pages.ts";
import { dialog, pressMenu, sentence } from "../support/screen.ts";
import { expect, expectAccessible, expectLive, test } from "../support/test.ts";
import type { Words } from "../support/words.ts";

// Looking at everything takes longest by far: the parts are shared out.
test.describe.configure({ mode: "parallel" });

async function examine(page: Page, t: Words, info: TestInfo, name: string): Promise<void> {
  await expect(page.getByRole("banner").getByText(t("sandbox_mark"), { exact: true }), `the mark on ${name}`).toBeVisible();
  await expectAccessible(page);
  await page.screenshot({ path: info.outputPath(`${name}.png`), fullPage: true });
}

for (const [theme, locale] of [["light", "en-US"], ["dark", "pt-BR"]] as const) {
  test.describe(`${theme}, ${locale}`, () => {
    test.use({ colorScheme: theme, locale });

    test("full pages", async ({ page, keeper, t }, info) => {
      test.slow();
      await page.goto("/login");
      await examine(page, t, info, "login");
      await keeper.person.enter(page);
      for (const [name, path] of pagesOf(keeper)) {
        await page.goto(path);
        await expectLive(page, t);
        await expect(page.locator("html")).toHaveAttribute("lang", locale === "pt-BR" ? "pt-BR" : "en");
        await examine(page, t, info, name);
      }
    });

    test("empty and failing pages", async ({ page, stack, sandbox, t, watch }, info) => {
      watch.allowStatus(404);
      const ana = await stack.person({ bare: true });
      await ana.enter(page);
      for (const [name, path] of [["no machine, no key", "/app"], ["no key", "/app/balance"], ["search without a key", "/app/offers"],
        ["nothing saved", "/app/settings"], ["no credentials", "/app/settings/credentials"], ["nothing here", "/app/machines/1"]] as const) {
        watch.allowStatus(424);
        await page.goto(path);
        await examine(page, t, info, name);
      }
      await ana.storeVastKey();
      await page.goto("/app");
      await examine(page, t, info, "no machine");
      watch.allowStatus(502);
      await sandbox.arm("vast_api_down");
      await page.goto("/app/offers");
      await expect(page.getByRole("alert").first()).toContainText(t("wrong_provider_down"));
      await examine(page, t, info, "search that failed");
    });

    test("dialogs and menus that are open", async ({ page, keeper, t }, info) => {
      await keeper.person.enter(page);
      await page.goto(`/app/machines/${keeper.gpu}`);
      await expectLive(page, t);
      for (const [act, title] of [["act_drill", "ask_drill"], ["act_fail_over", "ask_fail_over"], ["act_unprotect", "ask_unprotect"],
        ["act_pause", "ask_pause"], ["act_destroy", "ask_destroy"]] as const) {
        await page.getByRole("link", { name: t(act), exact: true }).click();
        await expect(dialog(page).getByRole("heading", { name: t(title) })).toBeVisible();
        await examine(page, t, info, title);
        await page.keyboard.press("Escape");
      }
      await pressMenu(page);
      const folded = page.getByRole("main").locator("details:not([open]) > summary");
      for (let left = await folded.count(); left > 0; left -= 1) await folded.first().click();
      await pressMenu(page);
      await examine(page, t, info, "all unfolded");
      await page.goto("/app/offers");
      await expectLive(page, t);
      await page.getByRole("link", { name: t("rent"), exact: true }).first().click();
      await expect(dialog(page).getByRole("heading", { name: t("rent_question") })).toBeVisible();
      await examine(page, t, info, "rent");
    });

    test("a failover that goes on", async ({ page, ana, sandbox, t }, info) => {
      const gpu = await ana.protectedMachine("mangle");
      await sandbox.arm("stuck_loading");
      await sandbox.pullThePlug(gpu);
      const { failover_id: id } = await ana.untilFailingOver(gpu);
      await page.goto(`/app/failovers/${id}`);
      await expect(sentence(page)).toContainText(t.like("sentence_cpu"), { timeout: 30_000 });
      await examine(page, t, info, "failover under way");
      await page.getByRole("link", { name: t("act_cancel"), exact: true }).click();
      await expect(dialog(page).getByRole("heading", { name: t("cancel_question") })).toBeVisible();
      await examine(page, t, info, "cancel");
      for (const [name, path] of [["machines during a failover", "/app"], ["machine during a failover", `/app/machines/${gpu}`],
        ["report during a failover", "/app/failovers"]] as const) {
        await page.goto(path);
        await examine(page, t, info, name);
      }
      await ana.ask("POST", `/standby/failover/${id}/cancel`);
      await ana.untilOver(id);
      await page.goto(`/app/failovers/${id}`);
      await examine(page, t, info, "cancelled");
    });
  });
}
