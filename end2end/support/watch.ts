// Listens to all that a browser complains of: errors in its console, scripts that failed, and what the
// content policy forbade. A test that complains without meaning to has failed.
import type { BrowserContext } from "@playwright/test";

export class Watch {
  readonly #heard: string[] = [];
  readonly #allowed: RegExp[] = [];

  /** Listens to all pages of a browser from now on. */
  async over(context: BrowserContext): Promise<void> {
    context.on("console", (message) => {
      if (message.type() === "error") this.#heard.push(`${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => this.#heard.push(String(error.error())));
    // The console tells violations too; the event says for certain, and which rule.
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`content policy: ${event.violatedDirective} forbids ${event.blockedURI}`);
      });
    });
  }

  /** This is brought about on purpose. */
  allow(expected: RegExp): void {
    this.#allowed.push(expected);
  }

  /** A request that is refused with this status: the browser reports it as an error. */
  allowStatus(status: number): void {
    this.allow(new RegExp(`responded with a status of ${status}\\b`));
  }

  /** What was heard and not expected. */
  surprises(): string[] {
    return this.#heard.filter((text) => !this.#allowed.some((expected) => expected.test(text)));
  }
}
