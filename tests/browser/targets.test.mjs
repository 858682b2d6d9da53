// Targets: added, tested, pinned, held, released, removed; what others say is shown as text.
import assert from "node:assert/strict";

import { languages, screen } from "./harness/screen.mjs";

const HOSTILE = "<script>document.title='run'</script><img src=x onerror=alert(1)>";
const domain = (relay) => `[[domain]]\nname = "example.com"\n${relay}`;

for (const language of languages) {
  screen(`a target is added, tested, held, released and removed (${language})`,
    { language, site: domain("") },
    async ({ page, see, say, press, fill, sink, screenshot }) => {
      await page.goto("/targets");
      await see(say("targets-none"));
      await press(say("targets-new"));
      await page.locator("[name=host]").fill(sink.address);
      await page.locator("[name=port]").fill("many");
      await press(say("target-save"));
      await page.locator("[aria-invalid=true]").first().waitFor();
      await page.locator("[name=name]").fill("old");
      await page.locator("[name=port]").fill(String(sink.port));
      await page.locator("[name=password]").fill("secret & safe");
      await page.locator("[name=username]").fill("waypost");
      await press(say("target-save"));
      await see(say("done-target-added"));
      assert.equal(await page.locator("[name=password]").inputValue(), "");
      assert.ok(!(await page.content()).includes("secret & safe"));
      assert.ok(await page.locator("[name=cut_through]").isChecked());
      await page.locator("[name=cut_through]").uncheck();
      await page.locator("[name=username]").fill("");
      await page.locator("[name=password_gone]").check();
      await press(say("target-save"));
      await see(say("done-target-saved"));
      await see(say("secret-none"));
      assert.ok(!(await page.locator("[name=cut_through]").isChecked()));
      await screenshot("target");

      await press(say("target-test"));
      await page.locator("[name=address]").fill("carol@example.com");
      await press(say("target-test-begin"));
      await page.locator("ol.dialogue li").first().waitFor();
      await see(say("target-test-dialogue"));
      await see(say("target-warning-not-encrypted"));
      await screenshot("target-test");

      await page.goto("/targets/old");
      await press(say("target-hold"));
      await page.locator("[name=reason]").fill("New disks");
      await page.locator("[name=span]").selectOption("4h");
      await screenshot("target-hold");
      await page.locator("[name=reason]").fill(HOSTILE);
      await page.locator("main form button.primary").click();
      await see(say("done-target-held"));
      await see(HOSTILE);
      await page.goto("/targets");
      await see(say("target-state-held"));
      await screenshot("targets");
      await page.goto("/targets/old");
      await press(say("target-release"));
      await see(say("done-target-released"));

      await press(say("target-remove"));
      await see(say("target-used-not"));
      await page.locator("main form button.danger").click();
      await see(say("done-target-removed"));
      await see(say("targets-none"));
    });
}

screen("what a server says in a test is text, and a target in use is not removed",
  {
    site: (sink) => `[[target]]\nname = "old"\nhost = "${sink.address}"\nport = ${sink.port}\n` +
      domain('relay = "old"'),
    answer: (verb) => (verb === "RCPT" ? `550 5.1.1 ${HOSTILE}` : undefined),
  },
  async ({ page, see, say, press }) => {
    await page.goto("/targets/old/test");
    await press(say("target-test-begin"));
    await see(say("target-verdict-recipient-refused"));
    await see(`550 5.1.1 ${HOSTILE}`);
    assert.notEqual(await page.title(), "run");
    await page.goto("/targets/old/remove");
    await see("example.com");
    await see(say("target-used-first"));
    await page.locator("main form button.danger").click();
    await page.getByRole("heading", { name: say("problem-422") })
      .or(page.getByRole("heading", { name: say("problem-409") })).first().waitFor();
    await page.goto("/targets");
    await see("old");
  });
