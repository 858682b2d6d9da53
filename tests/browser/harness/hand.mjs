// What a hand does: it presses and fills what has a label, as the reader sees it.

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/[\s\u00A0]+/g, "\\s+");

// Waits for whichever of the candidates comes first on the page, the earlier ones preferred.
async function first(page, what, candidates) {
  const any = candidates.reduce((one, other) => one.or(other)).filter({ visible: true });
  await any.first().waitFor().catch(() => {
    throw new Error(`there is no “${what}” at ${page.url()}`);
  });
  for (const candidate of candidates) {
    const visible = candidate.filter({ visible: true });
    if (await visible.count() > 0) {
      return visible.first();
    }
  }
  return any.first();
}

function pressable(page, label) {
  const begins = new RegExp(`^\\s*${escaped(label)}`);
  // What is read out may say more than what is seen: "Test lyon" of the button "Test".
  const exactly = new RegExp(`^\\s*${escaped(label)}\\s*$`);
  const inside = page.locator("main");
  const named = (place, name, exact) =>
    ["button", "link", "radio", "checkbox", "tab"].map((role) =>
      place.getByRole(role, { name, exact }));
  return first(page, label, [
    ...named(inside, label, true), inside.locator("a, button").filter({ hasText: exactly }),
    ...named(page, label, true), ...named(inside, begins, false),
    inside.locator("summary, label").filter({ hasText: begins }), ...named(page, begins, false),
  ]);
}

/** Fills the field with this label; of a list, chooses what begins with the value. */
export async function fill(page, label, value) {
  const begins = new RegExp(`^\\s*${escaped(label)}`);
  const field = await first(page, label, [
    page.getByLabel(label, { exact: true }), page.getByLabel(begins),
    page.getByRole("textbox", { name: begins }),
  ]);
  if (await field.evaluate((one) => one.tagName) === "SELECT") {
    const options = await field.locator("option").allTextContents();
    const wanted = options.find((text) => text.trim() === value) ??
      options.find((text) => text.trim().startsWith(value));
    await field.selectOption({ label: wanted ?? value });
  } else {
    await field.fill(value);
  }
}

/** Presses what has this label, and waits for the page that comes, if one does. */
export async function press(page, label) {
  const found = await pressable(page, label);
  const leads = await found.evaluate((one) =>
    one.matches("a[href], button:not([type=button]):not([data-confirm])"));
  const came = leads ? page.waitForEvent("load", { timeout: 15000 }).catch(() => {}) : undefined;
  await found.click();
  await came;
}
