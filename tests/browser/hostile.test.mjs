// Whatever somebody writes somewhere is text, on every page.
import assert from "node:assert/strict";

import { become, EVIL, EVIL_LINE, fillAndSend, forms } from "./harness/evil.mjs";
import { example, mail, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";
import { tooWide, walk } from "./harness/walk.mjs";

const toml = (text) => JSON.stringify(text.replace(/[\u0000-\u001F\u007F-\u009F]/g, ""));

// The names of people may be anything.
const site = (sink) => example(sink) + EVIL.map((text, at) => `
[[user]]
domain = "example.com"
login = "evil${at}"
name = ${toml(text)}
addresses = ["evil${at}@example.com"]
`).join("");

// A server that says such things itself: in its greeting, its offers and its refusals.
function answer(verb, line) {
  switch (verb) {
    case "CONNECT": return `220 ${EVIL[1]} ESMTP ${EVIL[0]}`;
    case "EHLO": return `250-${EVIL[0]}\n250-${EVIL[1]}\n250 8BITMIME`;
    case "RCPT": return line.includes("bob") ? `450 4.2.0 ${EVIL_LINE}` : undefined;
    default: return undefined;
  }
}

async function evilMail({ send, until, waypost }) {
  const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  const headers = [`From: ${EVIL_LINE} <paul@example.net>`, `X-Evil: ${EVIL_LINE}`,
    "Subject: =?utf-8?B?PHNjcmlwdD5hbGVydCg5KTwvc2NyaXB0PuKAriE=?="];
  const from = `${quoted(EVIL[0])}@example.net`;
  await send({ from, to: "bob@example.com", subject: EVIL_LINE, headers });
  await send({ from, to: `${quoted(EVIL[1])}@example.com` });
  await send({ from, to: "carol@example.com", subject: EVIL_LINE, headers });
  await until("two messages in the queue", async () =>
    (await waypost.run("queue", "list")).match(/^\w+\s+!?\s+\d+ 20/gm)?.length >= 2);
}

screen("hostile names, headers, addresses and replies are text on every page",
  { sections, site, answer, width: 360, height: 740, timeout: 400000 },
  async (all) => {
    const { page, guard, waypost } = all;
    await evilMail(all);
    await waypost.run("queue", "hold", "--target", "branch", "--reason", EVIL_LINE);
    let texts = 0;
    const visited = await walk(page, async (address, response) => {
      assert.ok(!(response.status() >= 500), `${response.status()} for ${address}`);
      assert.equal(await become(page), "", address);
      assert.equal(await tooWide(page), "", address);
      guard.noScriptErrors();
      texts += (await page.locator("body").innerText()).includes("<script>alert(1)") ? 1 : 0;
    }, { most: 2 });
    assert.ok(texts > 0, "no page shows what was written");
    all.t.diagnostic(`${visited.length} pages, ${texts} with such text`);
  });

const quote = (text) => `"${text.replace(/"/g, '""')}"`;
const CSV = ["login,name,mail,addresses", ...EVIL.map((text, at) =>
  [`row${at}@example.com`, quote(text), "local", `row${at}@example.com`].join(",")),
...EVIL.map((text) => [quote(text), quote(text), quote(text), quote(text)].join(","))].join("\n");

screen("a hostile CSV file is text in its preview, its report and the list it makes",
  { sections, site: example, width: 360, height: 740 },
  async ({ page, say, press, guard, until, waypost }) => {
    const look = async (where) => {
      assert.equal(await become(page), "", where);
      assert.equal(await tooWide(page), "", where);
      guard.noScriptErrors();
    };
    const done = () => until("the end of the job", async () =>
      await page.locator(".notice.success, .notice.error").count() > 0);
    await page.goto("/directory/import");
    await page.locator("#csv").fill(CSV);
    await press(say("import-preview"));
    await done();
    await look("preview");
    const next = page.locator("main form[action$='/next'] button");
    if (await next.count() > 0) {
      await next.click();
      await until("the import", async () => /row0@/.test(await waypost.run("user", "list")));
      await done();
      await look("report");
      await page.goto("/directory");
      await look("list");
      assert.match(await page.locator("main").innerText(), /<script>alert\(1\)<\/script>/);
    }
  });

screen("a hostile login is text in its form and in the log", { login: true },
  async ({ page, context, guard, say }) => {
    const stranger = await context.browser().newContext({ baseURL: new URL(page.url()).origin });
    const his = await stranger.newPage();
    for (const text of EVIL) {
      await his.goto("/login");
      await his.locator("[name=login]").fill(text);
      await his.locator("[name=password]").fill(text);
      await his.keyboard.press("Enter");
      await his.getByText(say("login-refused-401")).or(his.getByText(say("login-refused-429")))
        .first().waitFor();
      assert.equal(await become(his), "");
    }
    await stranger.close();
    await page.goto("/log");
    await page.locator("ol.log li").first().waitFor();
    assert.equal(await become(page), "");
    guard.noScriptErrors();
  });

screen("hostile strings in every field of every form are text, and nothing fails",
  { sections, site: example, timeout: 400000 },
  async (all) => {
    const { page, guard, t } = all;
    await mail(all);
    const known = new Map();
    await walk(page, async (address) => {
      for (const form of await forms(page)) {
        if (!known.has(form.key)) {
          known.set(form.key, { ...form, address });
        }
      }
    }, { most: 1 });
    // What removes something comes last, as there would be nothing left for the others.
    const last = ({ path }) => (/remove|apply|admins/.test(path) ? 1 : 0);
    const list = [...known.values()].sort((one, other) => last(one) - last(other));
    for (const { at, key, address } of list) {
      for (const turn of [0, 1, 5]) {
        const opened = await page.goto(address);
        if (!opened.ok() || (await forms(page)).every((form) => form.key !== key)) {
          break;
        }
        const place = (await forms(page)).find((form) => form.key === key)?.at ?? at;
        const response = await fillAndSend(page, place, EVIL, turn);
        const where = `${key} at ${address}, turn ${turn}`;
        assert.ok(response && response.status() < 500, `${response?.status()} for ${where}`);
        assert.equal(await become(page), "", where);
        assert.ok(!page.url().endsWith("/login"), `logged out by ${where}`);
        guard.noScriptErrors();
      }
    }
    t.diagnostic(`${list.length} forms: ${list.map(({ path }) => path).join(" ")}`);
    await walk(page, async (address) => {
      assert.equal(await become(page), "", address);
      guard.noScriptErrors();
    }, { most: 1 });
  });
