// Audits pages of a running Dumont on a desktop and on a phone, prints what came out, and fails below
// what the project promises. Lighthouse measures; here is only what is measured and how it is told.
//
//   audit.js COOKIE_FILE NAME=URL…    a name that ends in ! is visited without the cookie
//
// LIGHTHOUSE_REPORTS=<folder> keeps Lighthouse's own reports.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import lighthouse from "lighthouse";
import desktop from "lighthouse/core/config/desktop-config.js";
import puppeteer from "puppeteer-core";

/** The least of each, of 100. */
const LEAST = { performance: 95, accessibility: 100, "best-practices": 100 };
const CATEGORIES = Object.keys(LEAST);
/** A performance below the least is measured so often in all, and the middle one counts. */
const TRIES = 3;

const [cookieFile, ...pages] = process.argv.slice(2);
const [session, value] = readFileSync(cookieFile, "utf8").trim().split("=");
const reports = process.env.LIGHTHOUSE_REPORTS;
if (reports) mkdirSync(reports, { recursive: true });

const rows = [];
const troubles = [];
for (const page of pages) {
  const at = page.indexOf("=");
  const name = page.slice(0, at).replace(/!$/, "");
  const url = page.slice(at + 1);
  const known = page[at - 1] !== "!";
  for (const form of ["desktop", "phone"]) {
    const results = [await audit(url, form, known)];
    while (results.length < TRIES && score(results[0], "performance") < LEAST.performance) {
      results.push(await audit(url, form, known));
    }
    results.sort((a, b) => score(a, "performance") - score(b, "performance"));
    const result = results[Math.floor(results.length / 2)];
    rows.push([name, form, ...CATEGORIES.map((category) => score(result, category)),
      ...["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"]
        .map((id) => result.lhr.audits[id].displayValue)]);
    if (result.lhr.finalDisplayedUrl !== url) troubles.push(`${name}: led to ${result.lhr.finalDisplayedUrl}`);
    for (const category of CATEGORIES) {
      if (score(result, category) < LEAST[category]) troubles.push(...reasons(name, form, category, result.lhr));
    }
    if (reports) writeFileSync(join(reports, `${name}-${form}.html`), result.report);
  }
}

print([["page", "form", ...CATEGORIES, "FCP", "LCP", "TBT", "CLS"], ...rows]);
if (troubles.length > 0) {
  console.error(`\n${troubles.join("\n")}`);
  process.exitCode = 1;
}

/** One that could not be measured at all, as happens when Chromium loses its trace, is begun anew. */
async function audit(url, form, known) {
  let trouble;
  for (let turn = 0; turn < TRIES; turn++) {
    const browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    });
    try {
      // A cookie of the browser's own: a header would be lost as soon as a page sets one.
      if (known) await browser.setCookie({ name: session, value, domain: new URL(url).hostname, path: "/", httpOnly: true });
      const flags = { output: "html", logLevel: "error", onlyCategories: CATEGORIES };
      const result = await lighthouse(url, flags, form === "desktop" ? desktop : undefined, await browser.newPage());
      if (result && !result.lhr.runtimeError) return result;
      trouble = `${url}: ${result?.lhr.runtimeError?.message ?? "no result"}`;
      console.error(trouble);
    } finally {
      await browser.close();
    }
  }
  throw new Error(trouble);
}

function score(result, category) {
  return Math.round((result.lhr.categories[category].score ?? 0) * 100);
}

/** What cost points, with what Lighthouse found. */
function reasons(name, form, category, lhr) {
  return lhr.categories[category].auditRefs
    .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < (category === "performance" ? 0.9 : 1))
    .map(({ id }) => {
      const { title, displayValue = "", details } = lhr.audits[id];
      const found = (details?.items ?? []).slice(0, 5).map((item) => item.node?.snippet ?? item.description ?? item.url ?? "").filter(Boolean);
      return [`${name} (${form}, ${category}): ${title} ${displayValue}`, ...found.map((one) => `    ${one}`)].join("\n");
    });
}

function print(table) {
  const wide = table[0].map((_, column) => Math.max(...table.map((row) => String(row[column]).length)));
  for (const row of table) console.log(row.map((cell, column) => String(cell).padEnd(wide[column] + 2)).join("").trimEnd());
}
