// The harness itself: what it must catch, it catches; what it starts, works.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import test from "node:test";

import { axe } from "./harness/guard.mjs";
import { pages } from "./harness/pages.mjs";
import { send, Sink } from "./harness/smtp.mjs";
import { until } from "./harness/wait.mjs";
import { Waypost } from "./harness/waypost.mjs";

const SPLIT = (sink) => `
[[target]]
name = "other"
host = "${sink.address}"
port = ${sink.port}

[[domain]]
name = "example.com"
relay = "other"

[[user]]
domain = "example.com"
login = "carol"
mail = "third-party"
addresses = ["carol@example.com"]
`;

test("mail that is sent to a split domain arrives at the other server", async (t) => {
  const sink = await Sink.start();
  t.after(() => sink.stop());
  const waypost = await Waypost.start({ services: ["smtp"], site: SPLIT(sink) });
  t.after(() => waypost.stop());
  const mail = { port: waypost.ports.smtp, from: "paul@example.net" };
  assert.match(await send({ ...mail, to: "carol@example.com", subject: "Over there" }), /^250/);
  const arrived = await sink.message((one) => one.to.includes("carol@example.com"));
  assert.match(arrived.text, /Subject: Over there/);
  assert.match(await send({ ...mail, to: "nobody@example.com" }), /^550 5\.1\.1/);
});

test("a server that is stopped leaves neither a process nor a folder", async () => {
  const waypost = await Waypost.start({ services: ["smtp"] });
  const { pid } = waypost.child;
  await waypost.stop();
  assert.throws(() => process.kill(pid, 0));
  assert.equal(existsSync(waypost.folder), false);
});

test("the other server answers as a test wants it to", async (t) => {
  const sink = await Sink.start({
    answer: (verb) => (verb === "RCPT" ? "550 5.1.1 <script>alert(1)</script>" : undefined),
  });
  t.after(() => sink.stop());
  const reply = await send({ port: sink.port, host: sink.address, client: "127.0.0.1",
    from: "a@example.net", to: "b@example.com" });
  assert.equal(reply, "550 5.1.1 <script>alert(1)</script>");
  assert.deepEqual(sink.messages, []);
});

pages("a request to another origin is caught", {
  pages: { "/": '<a href="http://127.0.0.9:9/x" id="go">Go</a>' },
}, async ({ page, guard }) => {
  await page.goto("/");
  guard.noForeignRequests();
  await page.click("#go").catch(() => {});
  await until("the request", () => guard.foreign.length > 0);
  assert.throws(() => guard.noForeignRequests(), /127\.0\.0\.9/);
});

pages("script that runs out of text is caught, and the policy stops it", {
  pages: { "/": "<p>Hello</p><img alt='' src=x onerror=alert(1)><script>alert(2)</script>" },
}, async ({ page, guard }) => {
  await page.goto("/");
  await until("a violation", () => guard.errors.length > 1);
  assert.throws(() => guard.noScriptErrors(), /Content Security Policy/);
  assert.equal(guard.errors.some((one) => one.startsWith("alert")), false);
});

pages("a dialog is caught", { pages: { "/": "<p>Hello</p>" } }, async ({ page, guard }) => {
  await page.goto("/");
  await page.evaluate(() => alert("boo"));
  assert.throws(() => guard.noScriptErrors(), /alert: boo/);
});

pages("a field without a name is caught", {
  pages: { "/": "<p>Hello</p>", "/bad": '<input type="text">' },
}, async ({ page }) => {
  await page.goto("/");
  await axe(page);
  await page.goto("/bad");
  await assert.rejects(axe(page), /label/);
});
