// A user is made, gets addresses, moves between mailbox types, and is suspended and removed.
import assert from "node:assert/strict";

import { example, sections } from "./harness/example.mjs";
import { languages, screen } from "./harness/screen.mjs";

for (const language of languages) {
  screen(`a user gets a mailbox elsewhere, with addresses that are relayed or not (${language})`,
    { language, sections, site: example },
    async ({ page, say, see, fill, press, send, sink, screenshot, waypost }) => {
      await page.goto("/directory");
      await press(say("directory-new-users"));
      await fill(say("user-login"), "grace");
      await fill(say("directory-domain"), "example.com");
      await fill(say("user-name"), "Grace Hopper");
      await press(say("mail-third-party"));
      await screenshot("user-new");
      await fill(say("user-name"), "Grace <b>Hopper</b>");
      await press(say("user-create"));
      await see("Grace <b>Hopper</b>");
      await press(say("user-mail"));
      // One more address, that the other server does not get.
      const add = page.getByRole("button", { name: say("addresses-add") });
      if (await add.isVisible()) {
        await add.click();
      }
      const row = page.locator("tbody tr").filter({ has: page.locator("input[value='']") }).last();
      await row.locator("input[name^=local]").fill("g.hopper");
      await row.locator("select[name^=at]").selectOption("*");
      if (await row.locator("input[name^=relayed]").isChecked()) {
        await row.locator("input[name^=relayed]").uncheck();
      }
      await screenshot("user-mail");
      await press(say("save"));
      await page.locator(".notice.success").waitFor();
      assert.match(await waypost.run("user", "show", "grace@example.com"), /g\.hopper@\*/);
      const from = "paul@example.net";
      assert.match(await send({ from, to: "grace@example.com" }), /^250/);
      await sink.message((one) => one.to.includes("grace@example.com"));
      assert.match(await send({ from, to: "g.hopper@example.org" }), /^550/);

      await press(say("bulk-suspend"));
      await page.locator(".badge.held").waitFor();
      assert.match(await send({ from, to: "grace@example.com" }), /^550 5\.2\.1/);
      await press(say("bulk-resume"));
      assert.match(await send({ from, to: "grace@example.com" }), /^250/);

      await press(say("remove"));
      await page.locator("main .ask button.danger").click();
      await page.locator(".notice.success").waitFor();
      assert.match(await send({ from, to: "grace@example.com" }), /^550 5\.1\.1/);
    });
}

screen("who has his mailbox here gets a quota, and logs in with his password only if he has one",
  { sections, site: example },
  async ({ page, say, press, screenshot, waypost }) => {
    await page.goto("/users/alice@example.com/mail");
    assert.equal(await page.inputValue("[name=local-1]"), "a.martin");
    assert.equal(await page.inputValue("[name=at-1]"), "*");
    const quota = page.locator("#quota");
    await quota.getByText(say("quota-size")).click();
    await quota.locator("[name=quota-number]").fill("750");
    await quota.locator("[name=quota-unit]").selectOption("MiB");
    await screenshot("user-local-mail");
    await press(say("save"));
    await page.locator(".notice.success").waitFor();
    assert.match(await waypost.run("user", "show", "alice@example.com"), /750 MiB|786432000/);
    await page.goto("/users/alice@example.com");
    await screenshot("user");
    await page.locator("#password").fill("a password that is long enough");
    await press(say("save"));
    await page.locator(".notice.success").waitFor();
    assert.equal(await page.locator("#password").inputValue(), "");
  });

screen("the third-party mail server cannot be chosen in a domain without a relay",
  { sections, site: `${"[[domain]]\nname = \"plain.example.com\"\n"}
[[user]]\ndomain = "plain.example.com"\nlogin = "kim"\naddresses = ["kim@plain.example.com"]\n` },
  async ({ page, say, see }) => {
    await page.goto("/users/kim@plain.example.com/mail");
    await see(say("mail-local"));
    assert.equal(await page.getByText(say("mail-third-party"), { exact: true }).count(), 0);
    await see(say("user-no-relay"));
  });

screen("an address that somebody has is refused, and the form keeps what was typed",
  { sections, site: example },
  async ({ page, say, press, axe }) => {
    await page.goto("/users/bob@example.com/mail");
    await page.locator("input[name=local-0]").fill("alice");
    await press(say("save"));
    await page.locator(".notice.error").waitFor();
    assert.equal(await page.locator("input[name=local-0]").inputValue(), "alice");
    await axe();
  });
