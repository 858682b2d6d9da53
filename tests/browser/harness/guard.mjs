// What no page may do, whatever is in it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8");

function none(found, what) {
  assert.equal(found.length, 0, `${what}:\n  ${found.join("\n  ")}`);
}

/** Watches every page of a context: requests, errors, dialogs. */
export class Guard {
  constructor(context, origin) {
    this.foreign = [];
    this.errors = [];
    this.origin = origin;
    context.on("request", (request) => this.request(request));
    context.on("response", (response) => this.response(response));
    context.on("console", (message) => this.message(message));
    context.on("weberror", (error) => this.errors.push(`error: ${error.error().message}`));
    context.on("dialog", (dialog) => {
      this.errors.push(`${dialog.type()}: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
  }

  request(request) {
    const { protocol, origin } = new URL(request.url());
    if (origin !== this.origin && !["data:", "blob:", "about:"].includes(protocol)) {
      this.foreign.push(request.url());
    }
  }

  response(response) {
    const kind = response.request().resourceType();
    const missing = response.status() === 404 && ["script", "stylesheet", "image", "font"];
    if (response.status() >= 500 || (missing && missing.includes(kind))) {
      this.errors.push(`${response.status()} for ${response.url()}`);
    }
  }

  // A refusal that the test provoked is written to the browser's console by the browser itself.
  message(message) {
    const text = message.text();
    const refused = /^Failed to load resource: the server responded with a status of 4/.test(text);
    // What somebody wrote into a field of dates or numbers is written into it again, as it was.
    const misfit = /^The specified value .* (does not conform to|cannot be parsed)/s.test(text);
    if (["error", "warning"].includes(message.type()) && !refused && !misfit) {
      this.errors.push(`${message.type()}: ${text}`);
    }
  }

  /** Fails when a page asked another origin for something. */
  noForeignRequests() {
    none(this.foreign, "requests to others");
  }

  /** Fails on errors, violations of the policy, dialogs, missing files and 5xx. */
  noScriptErrors() {
    none(this.errors, "errors in the browser");
  }
}

/** Fails on violations of WCAG 2.1 A and AA that axe calls serious or critical. */
export async function axe(page) {
  await page.evaluate(`${axeSource}; 0`);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    });
    return violations.filter((one) => ["serious", "critical"].includes(one.impact))
      .flatMap((one) => one.nodes.map((node) =>
        `${one.id}: ${node.html.slice(0, 160)} (${node.any[0]?.message || one.help})`));
  });
  none(found, `accessibility of ${page.url()}`);
}
