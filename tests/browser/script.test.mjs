// What waypost.js and waypost-chart.js do, under the console's policy.
import assert from "node:assert/strict";

import { axe } from "./harness/guard.mjs";
import { pages } from "./harness/pages.mjs";
import { until } from "./harness/wait.mjs";

const ROWS = ["a", "b", "c"].map((name) => `<tr><td><input type="checkbox" name="select"
  value="${name}" aria-label="${name}"></td><td>${name}</td></tr>`).join("");

pages("times are local, in the language of the page", {
  language: "de", locale: "de-DE",
  pages: { "/": `<time id="at" datetime="2026-07-01T10:05:00Z">raw</time>
    <time id="ago" data-time="ago" datetime="${new Date(Date.now() - 7.2e6).toISOString()}">x</time>
    <time id="odd" datetime="yesterday">yesterday</time>` },
}, async ({ page, guard }) => {
  await page.goto("/");
  assert.equal(await page.textContent("#at"), "01.07.2026, 12:05");
  assert.equal(await page.textContent("#ago"), "vor 2 Stunden");
  assert.equal(await page.textContent("#odd"), "yesterday");
  guard.noScriptErrors();
});

pages("a dangerous button asks, as text, and only yes sends", {
  pages: {
    "/": `<form method="post" action="/gone"><button id="go" name="verb" value="remove"
      data-confirm="Remove <img src=x onerror=alert(1)>?" data-yes="Remove" data-no="Keep">
      Remove</button></form>`,
    "/gone": "<p id='gone'>Gone</p>",
  },
}, async ({ page, guard }) => {
  await page.goto("/");
  await page.click("#go");
  assert.equal(await page.textContent("dialog p"), "Remove <img src=x onerror=alert(1)>?");
  await axe(page);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("dialog").count(), 0);
  await page.click("#go");
  await page.click("dialog >> text=Keep");
  await page.click("#go");
  const sent = page.waitForRequest((request) => request.method() === "POST");
  await page.click("dialog >> text=Remove >> nth=-1");
  assert.equal((await sent).postData(), "verb=remove");
  await page.waitForSelector("#gone");
  guard.noScriptErrors();
});

pages("what is selected is counted, and its verbs appear", {
  pages: { "/": `<form data-select><table><thead><tr><th><input type="checkbox" data-select-all
    aria-label="All"></th><th>Name</th></tr></thead><tbody>${ROWS}</tbody></table>
    <div class="bulk" data-select-bar hidden><output data-select-count>0</output></div></form>` },
}, async ({ page }) => {
  await page.goto("/");
  assert.equal(await page.isVisible(".bulk"), false);
  await page.check("[value=b]");
  assert.equal(await page.textContent("output"), "1");
  assert.equal(await page.$eval("[data-select-all]", (all) => all.indeterminate), true);
  await page.check("[data-select-all]");
  assert.equal(await page.textContent("output"), "3");
  await page.uncheck("[data-select-all]");
  assert.equal(await page.isVisible(".bulk"), false);
});

pages("fields follow the choice that they belong to", {
  pages: { "/": `<form><label><input type="radio" name="mail" value="local" checked> Here</label>
    <label><input type="radio" name="mail" value="third-party"> There</label>
    <p data-when="mail=third-party">Relayed addresses</p>
    <label><input type="checkbox" name="quota"> Quota</label><p data-when="quota">Size</p>
    </form>` },
}, async ({ page }) => {
  await page.goto("/");
  assert.equal(await page.isVisible("text=Relayed addresses"), false);
  assert.equal(await page.isVisible("text=Size"), false);
  await page.check("[value=third-party]");
  await page.check("[name=quota]");
  assert.equal(await page.isVisible("text=Relayed addresses"), true);
  assert.equal(await page.isVisible("text=Size"), true);
});

pages("the key / goes to the search field", {
  pages: { "/": '<label>Search <input type="search" id="q" value="old"></label>' },
}, async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("/");
  await page.keyboard.type("a/b");
  assert.equal(await page.inputValue("#q"), "a/b");
});

pages("a text is copied, or selected where that may not be", {
  pages: { "/": `<code id="secret">wp_1 &lt;b&gt;</code>
    <button data-copy="#secret" data-copied="Copied">Copy</button>` },
}, async ({ page, guard, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("/");
  await page.click("button");
  await page.waitForSelector("text=Copied");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "wp_1 <b>");
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined });
  });
  await page.reload();
  await page.click("button");
  await page.waitForFunction(() => String(getSelection()) === "wp_1 <b>");
  assert.equal(await page.textContent("button"), "Copy");
  guard.noScriptErrors();
});

pages("a request of htmx waits for the answer to its question", {
  pages: {
    "/": `<button hx-post="/part" hx-target="#here" data-confirm="Flush?" data-yes="Yes"
      data-no="No">Flush</button><div id="here"></div>`,
    "/part": "<p id='done'>Done</p>",
  },
}, async ({ page, guard }) => {
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  await page.goto("/");
  await page.click("text=Flush");
  await page.click("dialog >> text=No");
  assert.deepEqual(sent, []);
  await page.click("text=Flush");
  await page.click("dialog >> text=Yes");
  await page.waitForSelector("#done");
  assert.equal(sent.length, 1);
  guard.noScriptErrors();
});

const events = (asked) => (response, request) => {
  asked.push(request.url);
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const text = `event: queue\ndata: <strong>${asked.length}</strong> wait\n\n` +
    `event: log\nid: ${asked.length}\ndata: <li>line ${asked.length} &lt;b&gt;</li>\n\n`;
  // The stream breaks after each pair, and comes back.
  response.end(text);
};

const asked = [];
pages("live parts come from one stream, which comes back after it broke", {
  pages: {
    "/": `<p id="queue" data-live="/events" data-live-event="queue">0 wait</p>
      <ol id="log" tabindex="0" data-live="/events" data-live-event="log"
      data-live-mode="append" data-live-keep="2"></ol>`,
    "/events": events(asked),
  },
}, async ({ page, guard }) => {
  await page.goto("/");
  await until("three streams", () => asked.length >= 3);
  await page.waitForFunction(() => document.querySelector("#log").textContent.includes("line 3"));
  assert.deepEqual(asked.slice(0, 3), ["/events", "/events?after=1", "/events?after=2"]);
  assert.match(await page.textContent("#queue"), /^\d wait$/);
  assert.equal(await page.locator("#log li").count(), 2);
  assert.match(await page.textContent("#log li:last-child"), /line \d <b>/);
  guard.noScriptErrors();
});

const times = [...Array(60).keys()].map((minute) => 1795000000 + minute * 60);
const FIGURE = `<figure class="card chart" data-chart="/data" data-kind="stacked"
  data-label-time="Time" data-labels='{"ok":"Accepted <b>"}'><figcaption>Mail</figcaption>
  <div class="chart-body"></div><details><summary>As a table</summary>
  <div class="table" tabindex="0" role="region" aria-label="Mail"><table></table></div></details>
  </figure>`;

pages("a chart is drawn, and can be read as a table", {
  pages: {
    "/": FIGURE,
    "/data": { times, series: [
      { name: "ok", values: times.map((_, at) => (at === 58 ? 1234 : at)) },
      { name: "__proto__", values: times.map(() => null) },
    ] },
  },
}, async ({ page, guard }) => {
  await page.goto("/");
  await page.waitForSelector("figure canvas");
  await page.click("summary");
  assert.equal(await page.textContent("details thead"), "TimeAccepted <b>__proto__");
  // The last point is still growing: neither drawn nor told.
  assert.match(await page.textContent("details tbody tr:first-child"), /1,234–$/);
  await axe(page);
  guard.noScriptErrors();
});

pages("a minute alone between gaps is a point, and says within what", {
  pages: {
    "/": FIGURE.replace("stacked", "line").replace("<figure", '<figure data-unit="seconds"'),
    "/data": { times, series: [
      { name: "ok", values: times.map((_, at) => (at === 30 ? 0.05 : null)) },
    ] },
  },
}, async ({ page, guard }) => {
  await page.goto("/");
  await page.waitForSelector("figure canvas");
  const painted = () => page.evaluate(() => {
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--c1").trim();
    const canvas = document.querySelector("figure canvas");
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const wanted = pen.getImageData(0, 0, 1, 1).data.join();
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      count += data.slice(at, at + 4).join() === wanted ? 1 : 0;
    }
    return count;
  });
  await until("a point", async () => await painted() > 8);
  await page.click("summary");
  assert.match(await page.textContent("details tbody tr:nth-child(29)"), /50 ms$/);
  guard.noScriptErrors();
});

pages("htmx brings a part of a page, and the script takes care of it", {
  pages: {
    "/": '<button class="button" hx-get="/part" hx-target="#here">More</button>' +
      '<div id="here"></div><p id="ssed" hx-ext="sse" sse-connect="/stream" sse-swap="news"></p>',
    "/part": '<time id="at" datetime="2026-07-01T10:05:00Z">raw</time>',
    "/stream": (response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("event: news\ndata: <b>News</b>\n\n");
    },
  },
}, async ({ page, guard }) => {
  await page.goto("/");
  await page.click("text=More");
  await page.waitForSelector("#at");
  assert.equal(await page.textContent("#at"), "1\u00A0Jul\u00A02026, 12:05");
  await page.waitForSelector("#ssed b");
  guard.noScriptErrors();
  guard.noForeignRequests();
});
