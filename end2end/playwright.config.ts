// Browser tests against the real binary and the provider sandbox. Nothing is
// intercepted or mocked: what a test needs to go wrong, the sandbox makes go wrong.
import { defineConfig, devices } from "@playwright/test";

// Chromium's own sandbox refuses to run as root.
const asRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: "./tests",
  globalSetup: "./support/global-setup.ts",
  // One Dumont with one account serves all files; a test that changes what others
  // see takes a stack of its own (`ownStack`).
  workers: process.env.CI === "true" ? 1 : 2,
  forbidOnly: process.env.CI === "true",
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE
    ? [["list"], ["json", { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE }]]
    : [["list"]],
  use: {
    locale: "en-US",
    timezoneId: "UTC",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
  projects: [
    {
      name: "chromium",
      use: {
        ...devices["Desktop Chrome"],
        viewport: { width: 1440, height: 900 },
        launchOptions: {
          executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
          args: asRoot ? ["--no-sandbox"] : [],
        },
      },
    },
  ],
});
