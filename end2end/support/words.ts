// The product's own words, read from where it keeps them: a test names a button by its key, and a
// changed word costs no line here. A key that is gone fails the test that uses it.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** A language of the pages, as its file of texts is called. */
export type Language = "en" | "pt";

type Values = Record<string, string | number>;

/** All texts of one language. */
export interface Words {
  /** The text of a key, with its places filled. */
  (key: string, values?: Values): string;
  /** The same as a pattern: a place that is not filled is anything. */
  like(key: string, values?: Values): RegExp;
  /** The same, where nothing stands before or after it. */
  only(key: string, values?: Values): RegExp;
}

const folder = resolve(import.meta.dirname, "../../app/src/text");

/** One `key: "text",` of a file of texts; a text may stand on the line after its key. */
const ENTRY = /^\s*(\w+):\s*"((?:[^"\\]|\\.)*)",/gm;

/** One `key: "English", "Portuguese";` of a file with both languages side by side. */
const PAIR = /^\s*(\w+):\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)";/gm;

/** The files of that kind. */
const PAIRED = ["access.rs", "points.rs"];

/** Rust's escapes as JSON has them. */
function plain(literal: string): string {
  const escaped = literal.replace(/\\u\{([0-9a-f]+)\}/gi, (_, hex: string) => `\\u${hex.padStart(4, "0")}`);
  return JSON.parse(`"${escaped}"`);
}

function read(language: Language): Words {
  const source = readFileSync(resolve(folder, `${language}.rs`), "utf8");
  const found = new Map<string, string>();
  for (const [, key = "", text = ""] of source.matchAll(ENTRY)) found.set(key, plain(text));
  for (const file of PAIRED) {
    const pairs = readFileSync(resolve(folder, file), "utf8").matchAll(PAIR);
    for (const [, key = "", en = "", pt = ""] of pairs) found.set(key, plain(language === "en" ? en : pt));
  }
  const words = (key: string, values: Values = {}): string => {
    const text = found.get(key);
    if (text === undefined) throw new Error(`there is no text ${key} in ${language}`);
    return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
  };
  const pattern = (key: string, values?: Values) =>
    words(key, values).split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+");
  return Object.assign(words, {
    like: (key: string, values?: Values) => new RegExp(pattern(key, values)),
    only: (key: string, values?: Values) => new RegExp(`^\\s*${pattern(key, values)}\\s*$`),
  });
}

export const WORDS: Record<Language, Words> = { en: read("en"), pt: read("pt") };

/** What a browser that wants this language calls it. */
export const LOCALES: Record<Language, string> = { en: "en-US", pt: "pt-BR" };

/** The texts of the language that a browser of this locale is answered in. */
export function wordsFor(locale: string | undefined): Words {
  return locale?.startsWith("pt") ? WORDS.pt : WORDS.en;
}
