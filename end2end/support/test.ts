// What every browser test imports instead of Playwright's own `test`.
import AxeBuilder from "@axe-core/playwright";
import { type APIRequestContext, test as base, expect, type Page } from "@playwright/test";
import { ACCESS } from "./global-setup.ts";
import { type Access, type Stack, startStack } from "./stack.ts";

interface Fixtures {
  /** Errors in the browser's console that this test brings about on purpose. */
  allowedErrors: RegExp[];
  /** Addresses and secrets of the stack that all tests share. */
  access: Access;
  /** Dumont's REST API as the first account. */
  api: APIRequestContext;
  /** The sandbox's own API: faults, hosts, ledger. */
  sandbox: APIRequestContext;
  /** A stack for this test alone, with no account yet. */
  ownStack: Stack;
  consoleIsQuiet: void;
}

export const test = base.extend<Fixtures>({
  allowedErrors: [[], { option: true }],

  access: async ({}, use) => {
    const shared = process.env[ACCESS];
    if (!shared) throw new Error("the global set-up has not run");
    await use(JSON.parse(shared));
  },

  baseURL: async ({ access }, use) => use(access.url),

  api: async ({ playwright, access }, use) => {
    const context = await playwright.request.newContext({
      baseURL: access.url,
      extraHTTPHeaders: { authorization: `Bearer ${access.apiToken}` },
    });
    await use(context);
    await context.dispose();
  },

  sandbox: async ({ playwright, access }, use) => {
    const context = await playwright.request.newContext({ baseURL: access.sandboxUrl });
    await use(context);
    await context.dispose();
  },

  ownStack: async ({}, use) => {
    const stack = await startStack({ empty: true });
    await use(stack);
    await stack.stop();
  },

  consoleIsQuiet: [
    async ({ context, allowedErrors }, use) => {
      const heard: string[] = [];
      context.on("console", (message) => {
        if (message.type() === "error") heard.push(`${message.text()} (${message.location().url})`);
      });
      context.on("weberror", (error) => heard.push(String(error.error())));
      await use();
      const surprising = heard.filter((text) => !allowedErrors.some((allowed) => allowed.test(text)));
      expect(surprising, "errors in the browser's console").toEqual([]);
    },
    { auto: true },
  ],
});

/** Fails with the rules broken and where. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, help, nodes }) => ({ id, help, at: nodes.map((node) => node.target.join(" ")) }));
  expect(found, "accessibility").toEqual([]);
}

export { expect };
