// The directory: found, filtered, changed many at once, brought in from CSV and given out again.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { example, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

const finish = async (page, until) => until("the end of the job", async () =>
  await page.locator(".notice.success, .notice.error").count() > 0);

screen("people are filtered, two are selected, and both are suspended", { sections, site: example },
  async ({ page, say, see, press, screenshot, send, until }) => {
    await page.goto("/directory");
    await see("bob@example.com");
    await screenshot("directory");
    await page.locator("main select[name=mail]").first().selectOption("third-party");
    await press(say("directory-find"));
    await see("carol@example.com");
    assert.equal(await page.locator("tbody").getByText("alice@example.com").count(), 0);
    for (const login of ["bob", "carol"]) {
      await page.locator(`input[name=select][value='${login}@example.com']`).check();
    }
    assert.equal(await page.locator("[data-select-count]").textContent(), "2");
    await page.locator("#action").selectOption("suspend");
    await screenshot("directory-selected");
    await press(say("bulk-go-on"));
    await page.locator("main .ask button.primary").click();
    await finish(page, until);
    assert.match(await send({ from: "paul@example.net", to: "bob@example.com" }), /^550 5\.2\.1/);
    await page.goto("/directory?state=suspended");
    await see("bob@example.com");
    await page.locator("tbody .badge.held").nth(2).waitFor();
    assert.equal(await page.locator("tbody .badge.held").count(), 3);
  });

screen("before all that match are moved, it says where they are and where they go",
  { sections, site: example },
  async ({ page, say, see, press, screenshot, until, waypost }) => {
    await page.goto("/directory?mail=third-party");
    await page.locator("input[name=select]").first().check();
    await page.locator("[name=all]").check();
    await page.locator("#action").selectOption("target");
    await page.locator("#bulk-target").selectOption("old");
    await press(say("bulk-go-on"));
    const row = (name) => page.locator("tbody tr").filter({ hasText: name }).locator("td");
    assert.match((await row("bob@").nth(1).innerText()), /branch/);
    assert.match((await row("bob@").nth(2).innerText()), /, old$/);
    assert.match((await row("carol@").nth(1).innerText()), /, old$/);
    const counts = await page.locator(".ask dl > div").allInnerTexts();
    assert.deepEqual(counts.map((one) => one.replace(/\s+/g, " ")).sort(), ["branch", "old"]
      .map((name) => `${say("mail-third-party")}, ${name} → ${say("mail-third-party")}, old 1`));
    await screenshot("directory-move");
    await page.locator("main .ask button.primary").click();
    await finish(page, until);
    assert.match(await waypost.run("user", "show", "bob@example.com"), /old/);
    await page.goto("/directory");
    await page.locator("input[name=select]").first().check();
    await page.locator("[name=all]").check();
    await page.locator("#action").selectOption("suspend");
    await press(say("bulk-go-on"));
    await see(`${say("state-suspended")} → ${say("state-suspended")}`);
    assert.equal(await page.locator("tbody tr").count(), 5);
  });

const CSV = `login,name,mail,addresses
grace@example.com,Grace Hopper,third-party,grace@example.com
heidi@example.com,"Heidi ""H"" Lange",local,heidi@example.com heidi.lange@*
bob@example.com,Bobby Keller,third-party,bob@example.com
ivan@example.com,Ivan,local,alice@example.com
kim@nowhere.example.com,Kim,local,kim@nowhere.example.com
`;

screen("a CSV file is tried, brought in, and its bad rows are named", { sections, site: example },
  async ({ page, say, see, press, screenshot, until, waypost }) => {
    await page.goto("/directory");
    await press(say("directory-import"));
    await page.locator("#csv").fill(CSV);
    await press(say("import-preview"));
    await finish(page, until);
    await see("ivan@example.com");
    await see("kim@nowhere.example.com");
    await screenshot("directory-import");
    assert.doesNotMatch(await waypost.run("user", "list"), /grace/);
    await page.locator("main form[action$='/next'] button").click();
    await until("the users", async () => /heidi/.test(await waypost.run("user", "list")));
    await finish(page, until);
    const list = await waypost.run("user", "list");
    assert.match(list, /grace@example\.com/);
    assert.doesNotMatch(list, /ivan|kim/);

    await page.goto("/directory");
    const file = page.waitForEvent("download");
    await page.locator("main a[download]").first().click();
    const text = await readFile(await (await file).path(), "utf8");
    assert.match(text, /Bobby Keller/);
    assert.match(text, /"Heidi ""H"" Lange"/);
  });

screen("a CSV file is chosen, and goes up as it is", { sections, site: example },
  async ({ page, say, see, press, until }) => {
    await page.goto("/directory/import");
    await page.locator("#file").setInputFiles({ name: "users.csv", mimeType: "text/csv",
      buffer: Buffer.from(CSV) });
    await press(say("import-preview"));
    await page.waitForURL(/\/jobs\//);
    await finish(page, until);
    await see("ivan@example.com");
  });

screen("a long import says how far it is, and stops when it is cancelled",
  { sections, site: example },
  async ({ page, say, see, press, screenshot, waypost }) => {
    const rows = Array.from({ length: 250000 },
      (_, at) => `user${at}@example.com,User ${at},local,user${at}@example.com`);
    await page.goto("/directory/import");
    await page.locator("#file").setInputFiles({ name: "users.csv", mimeType: "text/csv",
      buffer: Buffer.from(["login,name,mail,addresses", ...rows].join("\n")) });
    await press(say("import-preview"));
    await page.waitForURL(/\/jobs\//);
    await page.waitForFunction(() => document.querySelector("progress[max]")?.position > 0,
      undefined, { timeout: 60000 });
    await screenshot("job");
    await press(say("job-cancel"));
    await see(say("job-cancelled"));
    await page.goto("/jobs");
    await see(say("job-state-done"));
    assert.doesNotMatch(await waypost.run("user", "list"), /user1@/);
  });

screen("a shared mailbox and a group are made and found", { sections, site: example },
  async ({ page, say, see, fill, press, send, screenshot, waypost }) => {
    const made = [["mailboxes", "sales", "mailbox"], ["groups", "friends", "group"]];
    for (const [kind, name, picture] of made) {
      await page.goto(`/directory?kind=${kind}`);
      await press(say(`directory-new-${kind}`));
      await fill(say("directory-name"), name);
      await fill(say("directory-domain"), "example.com");
      await page.locator("#members").fill("alice@example.com\nbob@example.com");
      await press(say("user-create"));
      await page.locator(".notice.success").waitFor();
      await screenshot(picture);
      await page.goto(`/directory?kind=${kind}`);
      await see(`${name}@example.com`);
    }
    const from = "paul@example.net";
    assert.match(await send({ from, to: "sales@example.com" }), /^250/);
    assert.match(await send({ from, to: "friends@example.com" }), /^250/);
    assert.match(await waypost.run("mailbox", "list"), /sales@example\.com/);
  });
