// Browser tests against the real binary and the provider sandbox. Nothing is
// intercepted or mocked: what a test needs to go wrong, the sandbox makes go wrong.
import { defineConfig, devices } from "@playwright/test";

// Chromium's own sandbox refuses to run as root.
const asRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: "./tests",
  // Each worker has a Dumont and a sandbox of its own; a file's tests run one after the other. They
  // mostly wait for what happens there, so that three fit on two cores.
  workers: 3,
  forbidOnly: process.env.CI === "true",
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
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
