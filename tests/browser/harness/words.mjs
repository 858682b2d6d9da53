// The console's words, from its Fluent files, so that one test can run in every language.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { root } from "./waypost.mjs";

export const languages = ["en", "fr", "de"];

const known = new Map();

function read(language) {
  const folder = path.join(process.env.WAYPOST_LOCALES || path.join(root,
    "crates/waypost-admin/locales"), language);
  const words = new Map();
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    const text = file.endsWith(".ftl") ? readFileSync(path.join(folder, file), "utf8") : "";
    for (const [, key, value] of text.matchAll(/^([a-z][\w-]*) *= *(.+)$/gm)) {
      words.set(key, value.trim());
    }
  }
  return words;
}

/** All texts of a language, each up to its first parameter. */
export function texts(language) {
  if (!known.has(language)) {
    known.set(language, read(language));
  }
  return [...known.get(language).values()].map((text) => text.split("{")[0].trim() || text);
}

/** The text of a key that has no parameters: `say("de", "users-title")`. */
export function say(language, key) {
  if (!known.has(language)) {
    known.set(language, read(language));
  }
  const text = known.get(language).get(key);
  if (text === undefined || text.includes("{")) {
    throw new Error(`${language} has no plain text for ${key}`);
  }
  return text;
}
