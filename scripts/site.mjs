// site.mjs STAGE PUBLIC SITE: lays the built files out as they are served.
//
// What pages load carries a hash of its content in its name, so that it may be kept for
// ever; beside each file lies what brotli and gzip make of it. The server takes the
// newest of each kind: files of an earlier build stay for a day, for pages that are open.

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const DAY_MS = 86_400_000;
const [stage, publicFolder, site] = process.argv.slice(2);
const pkg = join(site, "pkg");
mkdirSync(pkg, { recursive: true });

const brotli = (content) =>
  brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });

/** Writes a file with its compressed forms, unless it is there as it should be. */
function put(path, content) {
  const same = existsSync(path) && readFileSync(path).equals(content);
  if (!same || !existsSync(`${path}.br`) || !existsSync(`${path}.gz`)) {
    writeFileSync(`${path}.br`, brotli(content));
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(path, content);
  }
}

const kept = new Set();
const sizes = [];
const built = [
  ["dumont.min.js", "dumont", "js"],
  ["dumont.wasm", "dumont", "wasm"],
  ["dumont.css", "dumont", "css"],
  ["passkey.min.js", "passkey", "js"],
];
for (const [from, of, ending] of built) {
  const content = readFileSync(join(stage, from));
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const name = `${of}.${hash}.${ending}`;
  const path = join(pkg, name);
  put(path, content);
  const now = new Date();
  for (const file of [name, `${name}.br`, `${name}.gz`]) {
    kept.add(file);
    utimesSync(join(pkg, file), now, now);
  }
  sizes.push(`${of === "dumont" ? ending : of} ${content.length} (${statSync(`${path}.br`).size})`);
}
for (const file of readdirSync(pkg)) {
  const path = join(pkg, file);
  if (!kept.has(file) && Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path, { recursive: true });
}
for (const file of readdirSync(publicFolder)) {
  const content = readFileSync(join(publicFolder, file));
  // Pictures and fonts are compressed already.
  if (/\.(svg|txt|json|xml|html)$/.test(file)) put(join(site, file), content);
  else cpSync(join(publicFolder, file), join(site, file));
}
console.log(`    site: bytes (brotli): ${sizes.join(", ")}`);
