// Machines that another account may look at or operate: offered, accepted, used and taken back, in two browsers.
import { expect, expectAccessible, test } from "../support/test.ts";
import { LOCALES } from "../support/words.ts";

for (const locale of Object.values(LOCALES)) {
  test.describe(locale, () => {
    test.use({ locale });

    test("what is offered is looked at, then operated, then gone at once", async ({ page, ana, another, stack, t, watch }) => {
      test.setTimeout(180_000);
      watch.allowStatus(403);
      watch.allowStatus(404);
      const gpu = await ana.protectedMachine("spindle");
      const bob = await stack.person();
      const theirs = await (await another()).newPage();
      await bob.enter(theirs);
      const at = `/app/machines/${gpu}`;

      const offer = async (level: "read" | "operate") => {
        await page.goto("/app/settings/sharing");
        await page.getByLabel(t("shared_to"), { exact: true }).fill(bob.name);
        await page.getByLabel(t("token_scope"), { exact: true }).selectOption(level);
        await page.getByLabel("spindle", { exact: true }).check();
        await page.getByRole("button", { name: t("shared_offer") }).click();
        await expect(page.getByText(t("said_grant_given"))).toBeVisible();
      };
      const accept = async () => {
        await theirs.goto("/app");
        await theirs.getByRole("link", { name: t("shared_offers_see") }).click();
        await expectAccessible(theirs);
        await theirs.getByRole("button", { name: t("shared_accept") }).click();
        await expect(theirs.getByText(t("said_grant_accepted"))).toBeVisible();
      };
      const revoke = async () => {
        await page.goto("/app/settings/sharing");
        await page.getByRole("button", { name: t("revoke"), exact: true }).click();
        await expect(page.getByText(t("said_grant_revoked"))).toBeVisible();
      };

      // Nothing is seen of it before it is accepted, and an offer is the owner's until then.
      expect((await theirs.goto(at))?.status()).toBe(404);
      await offer("read");
      await expectAccessible(page);
      expect((await theirs.goto(at))?.status()).toBe(404);
      await accept();

      // Who may look sees it and has nothing to press; what is sent all the same is refused.
      await theirs.goto("/app");
      await expect(theirs.getByRole("heading", { name: t("shared_with_you") })).toBeVisible();
      await expectAccessible(theirs);
      await theirs.getByRole("link", { name: "spindle" }).click();
      await expect(theirs.getByText(t("shared_by_read", { owner: ana.name }))).toBeVisible();
      for (const act of ["act_drill", "act_pause_sync", "act_pause"]) {
        await expect(theirs.getByRole("link", { name: t(act), exact: true })).toHaveCount(0);
      }
      await expectAccessible(theirs);
      const sent = await theirs.context().request.post(`${stack.url}${at}/pause-sync`, { form: { sent: "on" }, maxRedirects: 0 });
      expect(sent.status()).toBe(403);
      await expect(async () => {
        const { state } = await ana.ask<{ state: string }>("GET", `/standby/associations/${gpu}`);
        expect(state).toBe("following");
      }).toPass();

      // Taken back while they look at it: gone.
      await theirs.goto(at);
      await revoke();
      await expect(theirs.getByText(t("shared_by_read", { owner: ana.name }))).toHaveCount(0);
      expect((await theirs.goto(at))?.status()).toBe(404);
      await theirs.goto("/app");
      await expect(theirs.getByText("spindle")).toHaveCount(0);

      // Who may operate acts, and both sides read of it.
      await offer("operate");
      await accept();
      await theirs.goto(at);
      await expect(theirs.getByText(t("shared_by_operate", { owner: ana.name }))).toBeVisible();
      await expectAccessible(theirs);
      await theirs.goto(`${at}/pause-sync`);
      await expectAccessible(theirs);
      await theirs.getByRole("button", { name: t("act_pause_sync"), exact: true }).click();
      await expect(theirs.getByText(t("said_sync_paused"))).toBeVisible();
      for (const reader of [page, theirs]) {
        await reader.goto("/app/settings/audit");
        await expect(reader.getByText(t("action_stop_sync")).first()).toBeVisible();
      }
      // What is only the owner's stays so.
      const destroyed = await theirs.context().request.post(`${stack.url}${at}/destroy`, { form: { sent: "on" }, maxRedirects: 0 });
      expect([403, 404]).toContain(destroyed.status());
      await revoke();
      expect((await theirs.goto(at))?.status()).toBe(404);
      const late = await theirs.context().request.post(`${stack.url}${at}/resume-sync`, { form: { sent: "on" }, maxRedirects: 0 });
      expect(late.status()).toBe(404);
    });
  });
}
