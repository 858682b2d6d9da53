// A walk through all pages that lead from the first.

// What is no page, or ends the walk.
const NO_PAGE = /^\/(static|api|metrics|health|events)(\/|$)|\/(live|export|download)$|\.(csv|toml)$/;

// Pages of one kind: /users/a@example.com and /users/b@example.com, whatever the query asks for.
function kind(address, names) {
  const { pathname, searchParams } = new URL(address, "http://here");
  const parts = decodeURIComponent(pathname).split("/").map((part, at) =>
    (at > 1 && !names.has(part) ? "*" : part));
  return `${parts.join("/")}?${[...new Set(searchParams.keys())].sort().join("&")}`;
}

// An empty answer with an error is no page at all to the browser.
const failed = (page) => async (error) => {
  await page.waitForURL("chrome-error://chromewebdata/").catch(() => {});
  return { ok: () => false, status: () => error.message.split("\n")[0] };
};

/**
 * Visits pages from `/` on, each kind of page `most` times, and calls `visit(address, response)`
 * on each. Gives the addresses. `words` are parts of addresses that name a page, not an object.
 */
export async function walk(page, visit, { start = "/", most = 2, words = WORDS, limit = 90 } = {}) {
  const seen = new Set([start]);
  const times = new Map();
  const open = [start];
  const visited = [];
  while (open.length > 0 && visited.length < limit) {
    const address = open.shift();
    const response = await page.goto(address, { waitUntil: "load" }).catch(failed(page));
    visited.push(address);
    await visit(address, response);
    const links = await page.$$eval("a[href]:not([download])", (all) =>
      all.map((a) => new URL(a.getAttribute("href"), location.href).href));
    for (const link of links) {
      const { origin, pathname, search } = new URL(link);
      const next = pathname + search;
      const sort = kind(next, words);
      const is = origin === new URL(page.url()).origin && !NO_PAGE.test(pathname);
      if (is && !seen.has(next) && (times.get(sort) || 0) < most) {
        seen.add(next);
        times.set(sort, (times.get(sort) || 0) + 1);
        open.push(next);
      }
    }
  }
  return visited;
}

const WORDS = new Set(["new", "edit", "remove", "import", "test", "hold", "release", "retry",
  "suspend", "resume", "password", "routing", "mail", "general", "quotas", "audit", "conflicts",
  "gateways", "apply", "statistics", "addresses", "members", "user", "mailbox", "group", "preview",
  "confirm", "bulk", "users", "mailboxes", "groups", "summary"]);

/** What sticks out of the cell of a table that it is in, where it may be cut off. */
export const stickingOut = (page) => page.evaluate(() => {
  const right = (one) => one.getBoundingClientRect().right;
  const out = [...document.querySelectorAll("td :is(button, input, select)")]
    .filter((one) => right(one) > right(one.closest("td")) + 1);
  return out.length === 0 ? "" : `sticks out of its cell: ${out[0].outerHTML.slice(0, 200)}`;
});

/** How far the page is wider than its window; nothing may be. */
export const tooWide = (page) => page.evaluate(() => {
  const root = document.documentElement;
  const over = root.scrollWidth - root.clientWidth;
  if (over <= 0) {
    return "";
  }
  // What makes it so: the innermost of those that stick out and are not cut off by a box around.
  const cut = (one) => {
    for (let box = one.parentElement; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") {
        return true;
      }
    }
    return false;
  };
  const out = [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1 && !cut(one));
  const last = out[out.length - 1];
  return `${over} px too wide: ${last ? last.outerHTML.slice(0, 200) : "?"}`;
});
