// A test of a screen: `screen("what somebody does", plan, async ({ page, … }) => { … })`.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import test, { after } from "node:test";

import { chromium } from "playwright-core";

import { axe, Guard } from "./guard.mjs";
import { fill, press } from "./hand.mjs";
import { send, Sink } from "./smtp.mjs";
import { until } from "./wait.mjs";
import { root, Waypost } from "./waypost.mjs";
import { say } from "./words.mjs";

export { languages } from "./words.mjs";

/** What admin0 has after the first login. */
export const PASSWORD = "long enough to be good 7";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let opened;
after(async () => { await (await opened)?.close(); });

/** The browser of this file; each test has a context of its own, with an empty profile. */
export function browser() {
  opened ??= launch();
  return opened;
}

async function launch() {
  const executablePath = process.env.WAYPOST_CHROMIUM || "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new Error(`${executablePath} is not there: install chromium, or set WAYPOST_CHROMIUM`);
  }
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/**
 * Logs in. The fields are found by what browsers know them by, so in every language; a password
 * that must be changed is changed to PASSWORD.
 */
export async function logIn(page, login, password) {
  await page.goto("/");
  await page.locator("input[autocomplete=username]").fill(login);
  await page.locator("input[autocomplete=current-password]").fill(password);
  await page.keyboard.press("Enter");
  const fresh = page.locator("input[autocomplete=new-password]");
  await page.locator("aside.side, input[autocomplete=new-password]").first().waitFor(
    { state: "attached" });
  if (await fresh.count() > 0) {
    const old = page.locator("input[autocomplete=current-password]");
    if (await old.count() > 0) {
      await old.fill(password);
    }
    for (const field of await fresh.all()) {
      await field.fill(PASSWORD);
    }
    await page.keyboard.press("Enter");
    await page.locator("aside.side").waitFor({ state: "attached" });
  }
}

// What the pages of the guide show: `en/overview`, `fr/login`.
const shown = new Set();
function isShown(picture) {
  if (shown.size === 0) {
    const guide = path.join(root, "docs/guide");
    for (const folder of ["", "fr", "de"].map((name) => path.join(guide, name))) {
      for (const name of readdirSync(folder).filter((one) => one.endsWith(".md"))) {
        const text = readFileSync(path.join(folder, name), "utf8");
        [...text.matchAll(/images\/([\w/-]+)\.png/g)].forEach(([, one]) => shown.add(one));
      }
    }
  }
  return shown.has(picture);
}

// Pictures for the guide, when they are wanted: docs/guide/images/<language>/<name>.png.
function photographer(page, language) {
  return async (name) => {
    await axe(page);
    if (process.env.WAYPOST_SCREENSHOTS && isShown(`${language}/${name}`)) {
      const folder = path.join(root, "docs/guide/images", language);
      await mkdir(folder, { recursive: true });
      await page.screenshot({ path: path.join(folder, `${name}.png`), animations: "disabled" });
    }
  };
}

// What a failed test leaves: a picture in target/browser and the server's last lines.
async function autopsy(t, name, page, waypost) {
  const folder = path.join(root, "target/browser");
  const file = path.join(folder, `${name.replace(/\W+/g, "-").slice(0, 80)}.png`);
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: file, fullPage: true }).catch(() => {});
  t.diagnostic(`at ${page.url()}, picture in ${file}\n${waypost.log()}`);
}

async function open(t, waypost, plan) {
  const language = plan.language || "en";
  const context = await (await browser()).newContext({
    baseURL: waypost.url,
    locale: { en: "en-GB", fr: "fr-FR", de: "de-DE" }[language],
    timezoneId: "Europe/Berlin",
    viewport: { width: plan.width || 1280, height: plan.height || 800 },
    colorScheme: plan.dark ? "dark" : "light",
    ignoreHTTPSErrors: true,
    javaScriptEnabled: plan.script !== false,
  });
  t.after(() => context.close());
  context.setDefaultTimeout(15000);
  const guard = new Guard(context, waypost.url);
  return { context, guard, language, page: await context.newPage() };
}

/**
 * A test with a server, another mail server and a browser, logged in as admin0; everything is
 * stopped at its end, and it fails when a page did what none may do.
 *
 * The plan: `language`, `site` (a site file, or a function of the sink that gives one), `sections`
 * of the configuration, `answer` of the sink, `width`, `height`, `dark`, `script: false`,
 * `login: false`, `timeout`.
 *
 * The body gets `page`, `context`, `waypost`, `sink`, `send(mail)`, `say(key)`, `see(text)`,
 * `press(label)`, `fill(label, value)`, `until(what, look)`, `axe()`, `screenshot(name)`, `guard`,
 * `language`, `t`.
 */
export function screen(name, plan, body) {
  test(name, { timeout: plan.timeout || 120000 }, async (t) => {
    const sink = await Sink.start({ answer: plan.answer });
    t.after(() => sink.stop());
    const site = typeof plan.site === "function" ? plan.site(sink) : plan.site;
    const waypost = await Waypost.start({ ...plan, site });
    t.after(() => waypost.stop());
    if (!waypost.url) {
      throw new Error("the server opened no console");
    }
    const { context, guard, language, page } = await open(t, waypost, plan);
    try {
      if (plan.login !== false) {
        await logIn(page, "admin0", await waypost.firstPassword());
      }
      await body({
        page, context, waypost, sink, guard, language, until, t,
        send: (mail) => send({ port: waypost.ports.smtp, ...mail }),
        say: (key) => say(language, key),
        see: (text) => page.getByText(text).filter({ visible: true }).first().waitFor(),
        press: (label) => press(page, label),
        fill: (label, value) => fill(page, label, value),
        axe: () => axe(page),
        screenshot: photographer(page, language),
      });
      guard.noForeignRequests();
      guard.noScriptErrors();
    } catch (error) {
      await autopsy(t, name, page, waypost);
      throw error;
    }
  });
}
