// The first task of the guide by keyboard alone: nothing is clicked, what has the focus is seen.
import assert from "node:assert/strict";

import { PASSWORD, screen } from "./harness/screen.mjs";

// What has the focus: its names, and whether one sees that it has it.
const focus = (page) => page.evaluate(() => {
  const one = document.activeElement;
  const named = [one.getAttribute("aria-label"), ...[...(one.labels || [])].map((l) => l.textContent),
    one.matches("a, button, summary") ? one.textContent : ""];
  const style = getComputedStyle(one);
  return {
    names: named.filter(Boolean).map((name) => name.replace(/\s+/g, " ").trim()),
    isSeen: style.outlineStyle !== "none" || style.boxShadow !== "none",
    isRadio: one.type === "radio", isField: one.matches("input, textarea, select"),
  };
});

async function go(page, key, label, fieldOnly = false) {
  const passed = [];
  for (let count = 0; count < 120; count += 1) {
    await page.keyboard.press(key);
    const { names, isSeen, isRadio, isField } = await focus(page);
    if ((isField || !fieldOnly) && names.some((name) => name.startsWith(label))) {
      assert.ok(isSeen, `one does not see that “${label}” has the focus`);
      return;
    }
    // Arrow keys choose inside a group, whose first member the Tab key has reached.
    if (isRadio && key === "Tab") {
      for (let step = 0; step < 6; step += 1) {
        await page.keyboard.press("ArrowDown");
        if ((await focus(page)).names.some((name) => name.startsWith(label))) {
          return;
        }
      }
    }
    passed.push(names[0]);
  }
  throw new Error(`the Tab key does not lead to “${label}”, but to: ${passed.join(" | ")}`);
}

const loaded = async (page, key) => {
  const came = page.waitForEvent("load");
  await page.keyboard.press(key);
  await came;
};

screen("the first task is done by keyboard alone", { login: false, timeout: 180000 },
  async ({ page, waypost, sink, send, say, see }) => {
    const password = await waypost.firstPassword();
    const type = async (label, text) => {
      await go(page, "Tab", label, true);
      await page.keyboard.type(text);
    };
    const press = async (label) => {
      await go(page, "Tab", label);
      await loaded(page, "Enter");
    };
    await page.goto("/");
    // The first field has the focus already.
    await page.keyboard.type("admin0");
    await type(say("login-password"), password);
    await loaded(page, "Enter");
    await page.keyboard.type(PASSWORD);
    await type(say("password-again"), PASSWORD);
    await loaded(page, "Enter");

    await page.keyboard.press("Tab");
    assert.deepEqual((await focus(page)).names, [say("layout-skip")]);
    await press(say("nav-domains"));
    await press(say("domains-new"));
    await type(say("domains-name"), "example.com");
    await press(say("domain-create-edit"));
    await press(say("domain-tab-routing"));
    await type(say("routing-relay"), sink.host);
    await press(say("routing-preview"));
    await press(say("form-save"));
    await see(say("done-domain-saved"));

    await press(say("nav-directory"));
    await press(say("directory-new-users"));
    await type(say("user-login"), "bob");
    await type(say("directory-domain"), "example.com");
    await go(page, "Tab", say("mail-third-party"));
    await press(say("user-create"));
    assert.match(await send({ from: "paul@example.net", to: "bob@example.com" }), /^250/);
    await sink.message((one) => one.to.includes("bob@example.com"));
  });
