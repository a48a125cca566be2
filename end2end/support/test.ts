// What every browser test imports instead of Playwright's own `test`.
import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, test as base, expect, type Page } from "@playwright/test";
import type { Person } from "./person.ts";
import type { Sandbox } from "./sandbox.ts";
import { Stack } from "./stack.ts";
import { Watch } from "./watch.ts";
import { type Words, wordsFor } from "./words.ts";

/** A person whose machines are there to be looked at: no test changes them. */
export interface Keeper {
  person: Person;
  /** A machine that was lost once, came back, and was drilled. */
  gpu: number;
  /** Its failover, and its drill. */
  failover: string;
  drill: string;
}

interface Shared {
  /** Dumont and the sandbox, one of each for all tests of a worker. */
  stack: Stack;
  keeper: Keeper;
}

interface Fixtures {
  sandbox: Sandbox;
  /** The product's words in the language of the browser. */
  t: Words;
  /** Somebody new, with working credentials, logged in. */
  ana: Person;
  /** What the browser complains of. */
  watch: Watch;
  /** A stack for this test alone, with no account yet. */
  emptyStack: Stack;
  /** The same, whose standbys keep recovery points. */
  keptStack: Stack;
  /** Another browser, watched as the first. */
  another: (options?: { javaScriptEnabled?: boolean }) => Promise<BrowserContext>;
}

export const test = base.extend<Fixtures, Shared>({
  stack: [
    async ({}, use) => {
      const stack = await Stack.start();
      await use(stack);
      await stack.stop();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  keeper: [
    async ({ stack }, use) => {
      const person = await stack.person();
      const lost = await person.protectedMachine("sample");
      await stack.sandbox.pullThePlug(lost);
      const { failover_id: failover } = await person.untilFailingOver(lost);
      const { new_gpu_id: gpu } = await person.untilOver(failover);
      if (gpu === null) throw new Error("the machine did not come back");
      await person.untilFollowed(gpu);
      const { failover_id: drill } = await person.drill(gpu);
      await use({ person, gpu, failover, drill });
    },
    { scope: "worker", timeout: 180_000 },
  ],

  baseURL: async ({ stack }, use) => use(stack.url),

  sandbox: async ({ stack }, use) => {
    await use(stack.sandbox);
    await stack.sandbox.calm();
  },

  t: async ({ locale }, use) => use(wordsFor(locale)),

  ana: async ({ stack, page }, use) => {
    const ana = await stack.person();
    await ana.enter(page);
    await use(ana);
    await stack.sandbox.calm();
    await ana.leave();
  },

  emptyStack: async ({}, use) => {
    const stack = await Stack.start();
    await use(stack);
    await stack.stop();
  },

  keptStack: async ({}, use) => {
    const stack = await Stack.start({ DUMONT_FOLLOW_BY: "agent" });
    await use(stack);
    await stack.stop();
  },

  watch: [
    async ({ context }, use) => {
      const watch = new Watch();
      await watch.over(context);
      await use(watch);
      expect(watch.surprises(), "what the browser complained of").toEqual([]);
    },
    { auto: true },
  ],

  another: async ({ browser, baseURL, locale, watch }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ baseURL, locale, timezoneId: "UTC", ...options });
      opened.push(context);
      await watch.over(context);
      return context;
    });
    for (const context of opened) await context.close();
  },
});

/** Fails with the rules broken and where. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, help, nodes }) => ({
    id,
    help,
    at: nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
  }));
  expect(found, `accessibility of ${page.url()}`).toEqual([]);
}

/** The page has its islands: what lives in the browser has begun. */
export async function expectLive(page: Page, t: Words): Promise<void> {
  await expect(page.getByRole("banner").getByText(t("live_on"), { exact: true })).toBeAttached();
}

export { expect };
