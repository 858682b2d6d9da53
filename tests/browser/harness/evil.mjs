// Strings that want to be more than text, and how to see whether one has become more.

/** Each fits where one line is expected; the last is what no line may hold. */
export const EVIL = [
  "<script>alert(1)</script>",
  "\"><img src=x onerror=alert(2)>",
  "javascript:alert(3)",
  "'-alert(4)-'</textarea></title><svg onload=alert(4)>",
  "{{1913*1913}}{% raw %}${1913*1913}#{1913*1913}<%= 1913*1913 %>",
  "\u202Egnp.exe\u202C \u2066left\u2069 \u200F\uFEFF\u00AD",
  "a\u0001\u0007\u001B[31m\u007F\u0085b",
  `${"W".repeat(180)}`,
  "..%2f..%2fetc %00 &#0; \\0 \\x00 '; DROP TABLE users; --",
  "\r\nX-Evil: 1\r\n\r\n<b>\u0000",
];

/** For the header of a message and the reply of a server: no end of line in it. */
export const EVIL_LINE = EVIL.slice(0, 6).join(" ");

/** What has become of them on a page; an empty text when they are text. */
export const become = (page) => page.evaluate(() => {
  const all = [...document.querySelectorAll("*")];
  const found = (what, list) => (list.length === 0 ? [] : [`${what}: ${list[0].outerHTML
    .slice(0, 200)}`]);
  const handler = (one) => [...one.attributes].some(({ name }) => /^on/i.test(name));
  const script = (one) => ["href", "src", "action", "formaction", "xlink:href"]
    .some((name) => /^\s*(javascript|data:text|vbscript)/i.test(one.getAttribute(name) || ""));
  return [
    ...found("an element with a handler", all.filter(handler)),
    ...found("an address that is a script", all.filter(script)),
    ...found("an image", all.filter((one) => one.matches("img[src=x]"))),
    ...found("a script in the text", all.filter((one) => one.matches("main script"))),
    ...(document.querySelector("main")?.textContent.includes("3659569")
      ? ["1913*1913 was calculated"] : []),
  ].join("; ");
});

/** The forms of a page that change something: their places among all forms. */
export const forms = (page) => page.$$eval("main form", (all) => all.flatMap((form, at) => {
  // Not form.action, which may be a field of that name.
  const path = new URL(form.getAttribute("action") || "", location.href).pathname;
  const left = ["/logout", "/language", "/password", "/login"].includes(path);
  const names = [...new Set([...form.elements].map((one) => one.name).filter(Boolean))].sort();
  const method = form.getAttribute("method") || "get";
  return left ? [] : [{ at, path, key: `${method} ${path} ${names}` }];
}));

/** Fills every field of a form with these strings, in turn from `turn` on, and sends it. */
export async function fillAndSend(page, at, evil, turn) {
  const sent = page.waitForNavigation({ waitUntil: "load" });
  await page.evaluate(({ at, evil, turn }) => {
    const form = document.querySelectorAll("main form")[at];
    let count = turn;
    for (const field of form.elements) {
      const free = ["text", "search", "email", "url", "number", "password", "tel", "date", "time",
        "datetime-local", "textarea"].includes(field.type);
      if (!field.name || field.name === "csrf" || field.readOnly) {
        continue;
      }
      if (free) {
        if (field.tagName === "INPUT") {
          field.type = "text";
        }
        field.value = evil[count++ % evil.length];
      } else if (field.type === "hidden" || (field.tagName === "SELECT" && turn % 3 === 2)) {
        if (field.tagName === "SELECT") {
          const option = new Option("evil", evil[count++ % evil.length], true, true);
          field.append(option);
        } else if (turn % 3 === 1) {
          field.value = evil[count++ % evil.length];
        }
      } else if (["checkbox", "radio"].includes(field.type) && turn % 2 === 1) {
        field.checked = true;
      }
    }
    form.noValidate = true;
    const button = [...form.elements].filter((one) => one.type === "submit").at(0);
    if (button) {
      button.removeAttribute("data-confirm");
      button.formNoValidate = true;
      form.requestSubmit(button);
    } else {
      HTMLFormElement.prototype.submit.call(form);
    }
  }, { at, evil, turn });
  return sent;
}
