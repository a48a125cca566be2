// What a first visit costs: script, WASM and style sheet as the browser receives them, compressed.
import { expect, expectLive, test } from "../support/test.ts";

/** Bytes; what is read on the phone of someone on call, far from a good network. */
const MOST = 85_000;

test("a cold page loads little", async ({ page, keeper, t }) => {
  await keeper.person.enter(page);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.clearBrowserCache");
  const files = new Map<string, { name: string; encoding: string; bytes: number }>();
  devtools.on("Network.responseReceived", ({ requestId, response }) => {
    const name = new URL(response.url).pathname;
    const encoding = response.headers["content-encoding"] ?? response.headers["Content-Encoding"] ?? "none";
    if (name.startsWith("/pkg/")) files.set(requestId, { name, encoding, bytes: 0 });
  });
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const file = files.get(requestId);
    if (file) file.bytes = encodedDataLength;
  });
  await page.goto("/app");
  await expectLive(page, t);
  await expect.poll(() => [...files.values()].filter(({ bytes }) => bytes > 0).length).toBe(files.size);
  const loaded = [...files.values()];
  const told = loaded.map(({ name, bytes }) => `${name.split(".").at(-1)} ${bytes}`).join(", ");
  expect(loaded.map(({ name }) => name.split(".").at(-1)).sort(), told).toEqual(["css", "js", "wasm"]);
  expect(new Set(loaded.map(({ encoding }) => encoding)), told).toEqual(new Set(["br"]));
  expect(loaded.reduce((sum, { bytes }) => sum + bytes, 0), told).toBeLessThanOrEqual(MOST);
});
