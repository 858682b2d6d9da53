// Domains are made, found, given names and quotas, and removed when nothing is in the way.
import assert from "node:assert/strict";

import { example, sections } from "./harness/example.mjs";
import { screen } from "./harness/screen.mjs";

screen("a domain is made, found by a part of another name, and removed", { sections, site: example },
  async ({ page, say, see, fill, press, screenshot, waypost }) => {
    await page.goto("/domains");
    await see(say("domain-role-master"));
    await screenshot("domains");
    await press(say("domains-new"));
    await fill(say("domains-name"), "branch.example.com");
    await fill(say("domains-aliases"), "filiale.example.net\nagence.example.net");
    await press(say("domain-create"));
    await see(say("done-domain-made"));
    assert.match(await waypost.run("domain", "list"), /branch\.example\.com/);

    await fill(say("domains-search"), "filiale");
    await press(say("list-search"));
    await see("branch.example.com");
    assert.equal(await page.getByText("plain.example.com").count(), 0);
    await page.getByRole("link", { name: "branch.example.com", exact: true }).click();
    await fill(say("domain-postmaster"), "alice@example.com");
    await press(say("form-save"));
    await see(say("done-domain-saved"));
    await screenshot("domain");

    await press(say("list-remove"));
    await press(say("list-remove"));
    await see(say("done-domain-removed"));
    assert.doesNotMatch(await waypost.run("domain", "list"), /branch\.example\.com/);
  });

screen("a domain with users is not removed, and says who is in the way", { sections, site: example },
  async ({ page, say, see }) => {
    await page.goto("/domains/example.com/remove");
    await see(say("domain-remove-in-the-way"));
    assert.equal(await page.getByRole("button", { name: say("list-remove") }).count(), 0);
    assert.equal(await page.locator("main a[href*='directory']").count(), 1);
  });

screen("a name that another domain has is refused at its field", { sections, site: example },
  async ({ page, say, fill, press, axe }) => {
    await page.goto("/domains/new");
    await fill(say("domains-name"), "example.org");
    await press(say("domain-create"));
    await page.locator(".notice.error").waitFor();
    assert.equal(await page.locator("#name").getAttribute("aria-invalid"), "true");
    assert.equal(await page.inputValue("#name"), "example.org");
    await axe();
  });

screen("quotas are a size or none", { sections, site: example },
  async ({ page, say, see, press, screenshot, waypost }) => {
    await page.goto("/domains/example.com");
    await press(say("domain-tab-mail"));
    const group = page.getByRole("group", { name: say("domain-quota-user-max") });
    await group.getByText(say("quota-size")).click();
    await group.locator("input[type=number]").fill("5");
    await group.locator("select").selectOption("GiB");
    await screenshot("domain-mail");
    await press(say("form-save"));
    await see(say("done-domain-saved"));
    assert.equal(await group.locator("input[type=number]").inputValue(), "5");
    assert.match(await waypost.run("domain", "show", "example.com"), /5 GiB|5368709120/);
  });

screen("what somebody else has changed meanwhile is not overwritten", { sections, site: example },
  async ({ page, context, say, see, fill, press, waypost }) => {
    await page.goto("/domains/example.com");
    const other = await context.newPage();
    await other.goto("/domains/example.com");
    await other.locator("#postmaster").fill("bob@example.com");
    await other.locator("main form").filter({ has: other.locator("#postmaster") })
      .getByRole("button", { name: say("form-save") }).click();
    await other.getByText(say("done-domain-saved")).waitFor();
    await fill(say("domain-postmaster"), "alice@example.com");
    await press(say("form-save"));
    await see(say("problem-412"));
    assert.match(await waypost.run("domain", "show", "example.com"), /bob@example\.com/);
  });
