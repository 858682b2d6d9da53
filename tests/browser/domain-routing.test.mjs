// Where the mail of a domain goes: what will change is said before, what cannot work is refused,
// what is dangerous is confirmed.
import assert from "node:assert/strict";

import { languages, screen } from "./harness/screen.mjs";
import { sections } from "./harness/example.mjs";

const site = (sink) => `
[[target]]
name = "branch"
host = "${sink.address}"
port = ${sink.port}

[[domain]]
name = "example.com"
relay = "branch"

[[user]]
domain = "example.com"
login = "alice"
addresses = ["alice@example.com"]

[[user]]
domain = "example.com"
login = "bob"
mail = "third-party"
addresses = ["bob@example.com"]
`;

const open = async ({ page, press, say }) => {
  await page.goto("/domains/example.com");
  await press(say("domain-tab-routing"));
};

for (const language of languages) {
  screen(`forwarding unknown addresses to a relay that takes everything must be confirmed (${
    language})`, { language, sections, site },
  async (all) => {
    const { page, say, see, press, send, sink, screenshot } = all;
    await open(all);
    await see(say("domain-unknown-refused"));
    await press(say("routing-forward"));
    await press(say("routing-preview"));
    await see(say("domain-unknown-relay-asked"));
    await page.locator(".notice.warning").first().waitFor();
    await screenshot("domain-preview-warning");
    await press(say("form-save"));
    await see(say("preview-unconfirmed"));
    for (const tick of await page.locator(".notice.warning input[type=checkbox]").all()) {
      await tick.check();
    }
    await press(say("form-save"));
    await see(say("done-domain-saved"));
    await see(say("domain-role-migration"));
    const from = "paul@example.net";
    assert.match(await send({ from, to: "whoever@example.com" }), /^250/);
    await sink.message((one) => one.to.includes("whoever@example.com"));
  });

  screen(`a relay that is this server itself is refused, and the field keeps it (${language})`,
    { language, sections, site },
    async (all) => {
      const { page, say, fill, press, waypost, axe } = all;
      await open(all);
      await fill(say("routing-relay"), `127.0.0.1:${waypost.ports.smtp}`);
      await press(say("routing-preview"));
      await page.locator(".notice.error").waitFor();
      assert.equal(await page.locator("#relay").getAttribute("aria-invalid"), "true");
      assert.equal(await page.inputValue("#relay"), `127.0.0.1:${waypost.ports.smtp}`);
      await axe();
      assert.match(await waypost.run("domain", "show", "example.com"), /branch/);
    });
}

screen("a relay that users need is not taken away", { sections, site },
  async (all) => {
    const { page, say, fill, press, waypost } = all;
    await open(all);
    await fill(say("routing-relay"), "");
    await press(say("routing-preview"));
    await page.locator(".notice.error").waitFor();
    assert.match(await page.locator("main").innerText(), /bob/);
    assert.match(await waypost.run("domain", "show", "example.com"), /branch/);
  });

screen("a relay that does not answer is warned about, and going back changes nothing",
  { sections, site },
  async (all) => {
    const { page, say, see, fill, press, waypost } = all;
    await open(all);
    await fill(say("routing-relay"), "127.0.0.9:9");
    await press(say("routing-preview"));
    await page.locator(".notice.warning").first().waitFor();
    await press(say("preview-back"));
    await see(say("routing-relay"));
    assert.equal(await page.inputValue("#relay"), "127.0.0.9:9");
    assert.match(await waypost.run("domain", "show", "example.com"), /branch/);
  });
