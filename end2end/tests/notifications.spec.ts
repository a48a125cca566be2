// Notifications: what happened while nobody looked is said once, counted until it is read, and leads to
// what it is about.
import type { Page } from "@playwright/test";
import { dialog } from "../support/screen.ts";
import { expect, expectAccessible, expectLive, test } from "../support/test.ts";
import { LOCALES, type Words } from "../support/words.ts";

const bell = (page: Page, t: Words) => page.getByRole("banner").getByRole("link", { name: t.like("notes") });
const told = (page: Page, sentence: string | RegExp) => page.getByRole("main").getByRole("listitem").filter({ hasText: sentence });

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("a lost GPU is told where one is, counted in the bar, and listed with its end", async ({ page, ana, sandbox, t }) => {
      const gpu = await ana.protectedMachine("capstan");
      await page.goto("/app/settings");
      await expectLive(page, t);
      await expect(bell(page, t)).toContainText(t("notes_all_read"));
      await sandbox.pullThePlug(gpu);

      // A toast, whatever page is open; it is closed by keyboard and takes no focus by itself.
      const toast = page.getByRole("status").locator("div").filter({ hasText: t.like("note_started", { machine: "capstan" }) }).first();
      await expect(toast).toBeVisible({ timeout: 30_000 });
      await expectAccessible(page);
      await toast.getByRole("button", { name: t("note_dismiss") }).first().press("Enter");
      await expect(page.getByRole("status").filter({ hasText: t.like("note_started", { machine: "capstan" }) })).toHaveCount(0);
      const { failover_id: id } = await ana.until("the failover", async () => {
        const { history } = await ana.ask<{ history: { failover_id: string }[] }>("GET", "/standby/failover/report?days=1&kind=real");
        return history[0];
      });
      await ana.untilOver(id);
      await expect(bell(page, t)).toContainText(t.like("notes_unread_many"));

      await bell(page, t).click();
      await expect(page).toHaveURL(/\/app\/notifications$/);
      await expect(told(page, t("note_recovered", { machine: "capstan" }))).toHaveCount(1);
      await expect(told(page, t("note_on_standby", { machine: "capstan" }))).toHaveCount(1);
      await expect(told(page, t.like("note_started", { machine: "capstan" }))).toHaveCount(1);
      await expect(told(page, t("note_recovered", { machine: "capstan" }))).toContainText(t("note_new"));
      await expect(told(page, t("note_recovered", { machine: "capstan" }))).toContainText(t("kind_real"));
      await expectAccessible(page);

      // It leads to the failover, and what was looked at there is read.
      await told(page, t.like("note_started", { machine: "capstan" })).getByRole("link").click();
      await expect(page).toHaveURL(new RegExp(`/app/failovers/${id}$`));
      await expect(bell(page, t)).toContainText(t("notes_all_read"));
      await page.goto("/app/notifications");
      await expect(told(page, t("note_recovered", { machine: "capstan" }))).not.toContainText(t("note_new"));
      await expect(page.getByRole("button", { name: t("notes_read_all") })).toBeDisabled();
    });
  });
}

test("all are read at once, here and in the other window", async ({ page, ana, another, t }) => {
  const gpu = await ana.protectedMachine("winch");
  await page.goto("/app");
  await expectLive(page, t);
  await ana.drill(gpu);
  await expect(bell(page, t)).toContainText(t("notes_unread_one", { n: 1 }));
  const elsewhere = await (await another()).newPage();
  await ana.enter(elsewhere);
  await elsewhere.goto("/app/notifications");
  await expect(told(elsewhere, t("note_drill_passed", { machine: "winch" }))).toContainText(t("kind_drill"));
  await elsewhere.getByRole("button", { name: t("notes_read_all") }).click();
  await expect(elsewhere.getByRole("main").getByText(t("note_new"), { exact: true })).toHaveCount(0);
  await expect(bell(page, t)).toContainText(t("notes_all_read"));
});

test("somebody new has none, and is told what will appear", async ({ page, ana, keeper, t }) => {
  expect(keeper.gpu).toBeGreaterThan(0);
  expect(ana.name).toBeTruthy();
  await page.goto("/app/notifications");
  await expect(page.getByRole("heading", { name: t("notes_none") })).toBeVisible();
  await expect(page.getByRole("main").getByText("sample")).toHaveCount(0);
  await expectAccessible(page);
});

test("under an open dialog nothing is said; afterwards it is", async ({ page, ana, sandbox, t }) => {
  const gpu = await ana.protectedMachine("pawl");
  await page.goto("/app/offers");
  await expectLive(page, t);
  await page.getByRole("link", { name: t("rent"), exact: true }).first().click();
  await expect(dialog(page).getByRole("heading", { name: t("rent_question") })).toBeVisible();
  await sandbox.pullThePlug(gpu);
  const { failover_id: id } = await ana.untilFailingOver(gpu);
  await ana.untilOver(id);
  await expect(page.getByText(t.like("note_started", { machine: "pawl" }))).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(page.getByText(t.like("note_started", { machine: "pawl" })).first()).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the bell leads to the list, and the list to what it tells of", async ({ page, keeper, t }) => {
    await keeper.person.enter(page);
    await page.goto("/app");
    await bell(page, t).click();
    await told(page, t("note_recovered", { machine: "sample" })).getByRole("link").click();
    await expect(page).toHaveURL(new RegExp(`/app/failovers/${keeper.failover}$`));
  });
});
