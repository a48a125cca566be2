// Pictures of the pages as they are when something is wrong, for whoever changes how they look. They are no
// test and no part of `make test`: scripts/pictures makes them.
import { defineConfig } from "@playwright/test";
import base from "./playwright.config.ts";

export default defineConfig({
  ...base,
  testDir: "./pictures",
  timeout: 300_000,
  expect: { timeout: 60_000 },
  use: { ...base.use, screenshot: "off", trace: "off" },
});
