// A server of a few pages under the console's policy, to try the scripts and the guards without a
// console. Pages: `{ "/": "<p>…", "/data": { json }, "/events": (response) => { … } }`.
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import test from "node:test";

import { Guard } from "./guard.mjs";
import { browser } from "./screen.mjs";
import { root } from "./waypost.mjs";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const TYPES = { ".js": "text/javascript", ".css": "text/css" };
const SETTINGS = '{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,' +
  '"allowScriptTags":false,"selfRequestsOnly":true}';
const SCRIPTS = ["htmx-2.0.11.min", "htmx-ext-sse-2.2.4.min", "uplot-1.6.32.iife.min",
  "waypost-chart", "waypost"];

const around = (body, language) => `<!doctype html><html lang="${language}"><head>
<meta charset="utf-8"><title>A page</title><meta name="htmx-config" content='${SETTINGS}'>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/uplot-1.6.32.min.css">
<link rel="stylesheet" href="/static/waypost.css">
${SCRIPTS.map((name) => `<script defer src="/static/${name}.js"></script>`).join("\n")}
</head><body class="app"><main id="main"><h1>A page</h1>${body}</main></body></html>`;

function answer(pages, language, request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const page = pages[pathname];
  const file = path.join(root, "crates/waypost-admin", path.normalize(pathname));
  response.setHeader("Content-Security-Policy", POLICY);
  response.setHeader("Cache-Control", "no-store");
  if (typeof page === "function") {
    page(response, request);
  } else if (typeof page === "object") {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(page));
  } else if (page !== undefined) {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(pathname.startsWith("/part") ? page : around(page, language));
  } else if (pathname.startsWith("/static/") && existsSync(file)) {
    response.setHeader("Content-Type", TYPES[path.extname(file)] || "text/plain");
    response.end(readFileSync(file));
  } else {
    response.statusCode = 404;
    response.end();
  }
}

/** A test with these pages: the body gets `{ page, guard, context, url }`. */
export function pages(name, plan, body) {
  test(name, { timeout: 60000 }, async (t) => {
    const language = plan.language || "en";
    const server = http.createServer((request, response) =>
      answer(plan.pages, language, request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => { server.closeAllConnections(); server.close(); });
    const url = `http://127.0.0.1:${server.address().port}`;
    const context = await (await browser()).newContext({
      baseURL: url, locale: plan.locale || "en-GB", timezoneId: "Europe/Berlin",
      viewport: { width: plan.width || 1280, height: 800 },
    });
    t.after(() => context.close());
    context.setDefaultTimeout(10000);
    const guard = new Guard(context, url);
    await body({ page: await context.newPage(), guard, context, url });
  });
}
