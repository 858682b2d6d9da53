// What the console does beyond links and forms. Every page can be read without it. It needs no
// library but uPlot, and that only on pages with charts. README.md lists the data attributes.
//
// Text goes into the page as text. Only what the server rendered as HTML, and sent as an event of
// an address that a data-live attribute names, goes in as HTML.
"use strict";

(() => {
  // The page's language, in the reader's own form of it (en-GB, de-AT) where the browser says so.
  const page = document.documentElement.lang || "en";
  const language = navigator.languages.find((one) => one.split("-")[0] === page) || page;

  // ---- Times: <time datetime="…" data-time="both|date|time|second|ago">

  const styles = {
    both: { dateStyle: "medium", timeStyle: "short" },
    date: { dateStyle: "medium" },
    time: { timeStyle: "short" },
    second: { dateStyle: "short", timeStyle: "medium" },
    clock: { timeStyle: "medium" },
    full: { dateStyle: "medium", timeStyle: "long" },
  };
  const formats = new Map();
  const formatted = (name, date) => {
    const style = Object.hasOwn(styles, name) ? name : "both";
    if (!formats.has(style)) {
      formats.set(style, new Intl.DateTimeFormat(language, styles[style]));
    }
    // A line is broken between date and time only.
    return formats.get(style).format(date).replace(/ (?!\d{1,2}:)/g, "\u00A0");
  };
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "long" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  function age(date) {
    const seconds = Math.round((date - Date.now()) / 1000);
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) || ["second", 1];
    return relative.format(Math.trunc(seconds / size), unit);
  }

  function showTime(element) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) {
      return;
    }
    const wanted = element.dataset.time || "both";
    const text = wanted === "ago" ? age(date) : formatted(wanted, date);
    if (element.textContent !== text) {
      element.textContent = text;
    }
    element.title = `${formatted("full", date)} (${element.dateTime})`;
  }

  const showTimes = (root) => root.querySelectorAll("time[datetime]").forEach(showTime);
  setInterval(() => document.querySelectorAll('time[data-time="ago"]').forEach(showTime), 5000);

  // ---- Moments in forms: <input type="hidden" name="from_zone" data-zone-of="from"> tells the
  // server by how many minutes the browser's time is ahead of UTC; [data-zone] names the zone

  const zone = new Intl.DateTimeFormat(language).resolvedOptions().timeZone || "";
  const digits = (number) => String(number).padStart(2, "0");
  const typed = (date) => `${date.getFullYear()}-${digits(date.getMonth() + 1)}-` +
    `${digits(date.getDate())}T${digits(date.getHours())}:${digits(date.getMinutes())}`;

  function zoned(hidden) {
    return hidden.form.elements.namedItem(hidden.dataset.zoneOf);
  }

  // What was typed in another zone, or without script in UTC, is shown in the reader's.
  function showZone(hidden) {
    const field = zoned(hidden);
    const moment = new Date(`${field.value}Z`);
    if (field.value && !Number.isNaN(moment.getTime())) {
      const date = new Date(moment.getTime() - (Number(hidden.value) || 0) * 60000);
      field.value = typed(date);
      hidden.value = -date.getTimezoneOffset();
    }
  }

  document.addEventListener("submit", (event) => {
    event.target.querySelectorAll("[data-zone-of]").forEach((hidden) => {
      const date = new Date(zoned(hidden).value);
      hidden.value = Number.isNaN(date.getTime()) ? "" : -date.getTimezoneOffset();
    });
  }, true);

  // ---- Questions: <button data-confirm="Remove 3 messages?" data-yes="Remove" data-no="Cancel">

  const agreed = new WeakSet();

  function piece(tag, text, classes = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    made.className = classes;
    return made;
  }

  function ask(button) {
    const dialog = document.createElement("dialog");
    const yes = piece("button", button.dataset.yes || button.textContent.trim(),
      "button danger primary");
    const no = piece("button", button.dataset.no || "✕", "button");
    const actions = piece("div", "", "form-actions");
    const question = piece("p", button.dataset.confirm);
    question.id = "confirm-question";
    dialog.setAttribute("role", "alertdialog");
    dialog.setAttribute("aria-labelledby", question.id);
    yes.type = no.type = "button";
    no.autofocus = true;
    actions.append(yes, no);
    dialog.append(question, actions);
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", () => {
      dialog.close();
      agreed.add(button);
      button.click();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      button.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  // In the capturing phase, so that a request of htmx waits for the answer too.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-confirm]");
    if (!button || agreed.delete(button)) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    // What the form lacks is said before the question is asked.
    if (!button.form || button.formNoValidate || button.form.reportValidity()) {
      ask(button);
    }
  }, true);

  // ---- Selection: <form data-select> around a table of <input type="checkbox" name="select">

  function countSelected(scope) {
    const boxes = [...scope.querySelectorAll("input[name=select]")];
    const chosen = boxes.filter((box) => box.checked).length;
    scope.querySelectorAll("[data-select-count]").forEach((place) => {
      place.textContent = new Intl.NumberFormat(language).format(chosen);
    });
    scope.querySelectorAll("[data-select-bar]").forEach((bar) => {
      bar.hidden = chosen === 0;
    });
    scope.querySelectorAll("[data-select-all]").forEach((all) => {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    });
  }

  document.addEventListener("change", (event) => {
    const scope = event.target.closest("[data-select]");
    if (!scope || !event.target.matches("input[name=select], [data-select-all]")) {
      return;
    }
    if (event.target.matches("[data-select-all]")) {
      scope.querySelectorAll("input[name=select]").forEach((box) => {
        box.checked = event.target.checked;
      });
    }
    countSelected(scope);
  });

  // ---- Fields that belong to a choice: <div data-when="mail=third-party">

  function showChosen(root) {
    root.querySelectorAll("[data-when]").forEach((part) => {
      const [name, value] = part.dataset.when.split("=");
      const form = part.closest("form");
      const field = form && form.elements.namedItem(name);
      if (field) {
        const values = part.dataset.when.includes("=") ? value.split("|") : ["on"];
        const now = field.type === "checkbox" ? (field.checked ? "on" : "off") : field.value;
        part.hidden = !values.includes(now);
      }
    });
  }
  document.addEventListener("input", (event) => event.target.form && showChosen(event.target.form));

  // ---- Rows: <tbody data-rows> with buttons data-row-remove; data-row-add in the same fieldset

  function addRow(rows) {
    const place = 1 + Math.max(-1, ...[...rows.querySelectorAll("input[name^=local-]")]
      .map((input) => Number(input.name.split("-")[1])));
    const row = rows.lastElementChild.cloneNode(true);
    row.querySelectorAll("[name]").forEach((field) => {
      field.name = field.name.replace(/-\d+$/, `-${place}`);
      if (field.type === "radio") {
        field.value = place;
        field.checked = false;
      } else if (field.type !== "checkbox" && field.tagName === "INPUT") {
        field.value = "";
      }
    });
    rows.append(row);
    row.hidden = false;
    row.querySelector("input").focus();
  }

  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-row-add]");
    const remove = event.target.closest("[data-row-remove]");
    if (add) {
      addRow(add.closest("fieldset").querySelector("[data-rows]"));
    } else if (remove) {
      // Emptied, not taken away: the last one is what new ones are made of.
      const row = remove.closest("tr");
      row.querySelector("input").value = "";
      row.hidden = true;
    }
  });

  // Rows for who has no script are not needed.
  function showRows(rows) {
    const all = [...rows.children];
    const full = all.filter((row) => row.querySelector("input").value);
    all.forEach((row) => { row.hidden = full.length > 0 && !full.includes(row); });
    const hidden = "[data-row-add], [data-row-remove]";
    rows.closest("fieldset").querySelectorAll(hidden).forEach((button) => {
      button.hidden = false;
    });
  }

  // ---- Files: <form data-upload="/address">: the chosen file is sent as it is, with its ticks

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-upload]");
    const file = form?.querySelector("input[type=file]")?.files[0];
    if (!file) {
      return;
    }
    event.preventDefault();
    const ticks = [...form.querySelectorAll("input[type=checkbox]:checked")]
      .map((tick) => `${tick.name}=${tick.value}`).join("&");
    const error = form.querySelector("[data-upload-error]");
    try {
      const answer = await fetch(`${form.dataset.upload}?${ticks}`, { method: "POST", body: file,
        headers: { "Content-Type": "text/csv", "X-CSRF-Token": form.elements.csrf.value } });
      if (answer.redirected) {
        location.assign(answer.url);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const said = page.querySelector("main")?.textContent || page.body.textContent;
      error.textContent = said.replace(/\s+/g, " ").trim();
    } catch (failure) {
      error.textContent = String(failure);
    }
    error.hidden = false;
  });

  // ---- Copying: <button data-copy="#id"> or <button data-copy-text="…" data-copied="Copied">

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (!button) {
      return;
    }
    const source = button.dataset.copy && document.querySelector(button.dataset.copy);
    const text = source ? source.value || source.textContent : button.dataset.copyText;
    const label = button.textContent;
    const copied = await copy(text || "");
    if (!copied && source) {
      select(source);
    } else if (copied && button.dataset.copied && label !== button.dataset.copied) {
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = label; }, 2000);
    }
  });

  // A page that came over plain HTTP has no clipboard.
  const copy = (text) => (navigator.clipboard
    ? navigator.clipboard.writeText(text).then(() => true, () => false) : false);

  // Selected for Ctrl-C.
  function select(source) {
    if (source.select) {
      source.select();
    } else {
      getSelection().selectAllChildren(source);
    }
  }

  // ---- Keys: / goes to the search field

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, [contenteditable], dialog");
    const field = document.querySelector("[data-search], input[type=search]");
    if (event.key === "/" && !typing && field && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  });

  // ---- Live parts: <div data-live="/events/overview" data-live-event="queue">

  const streams = new Map();

  function fill(element, html) {
    const focused = element.contains(document.activeElement) && document.activeElement.id;
    const opened = [...element.querySelectorAll("details[open][id]")].map((open) => open.id);
    const chosen = [...element.querySelectorAll("input[name=select]:checked")]
      .map((box) => box.value);
    element.innerHTML = html;
    opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    element.querySelectorAll("input[name=select]").forEach((box) => {
      box.checked = chosen.includes(box.value);
    });
    begin(element);
    if (focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
  }

  // The newest line is at the end; who has scrolled up to read is left there.
  function append(element, html) {
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    const most = Number(element.dataset.liveKeep) || 2000;
    element.insertAdjacentHTML("beforeend", html);
    while (element.children.length > most) {
      element.firstElementChild.remove();
    }
    showTimes(element);
    if (atEnd) {
      element.scrollTop = element.scrollHeight;
    }
  }

  class Stream {
    constructor(address) {
      this.address = address;
      this.parts = new Set();
      this.names = new Set();
      this.wait = 1000;
      this.last = "";
    }

    add(element) {
      this.parts.add(element);
      const name = element.dataset.liveEvent || "message";
      if (!this.names.has(name)) {
        this.names.add(name);
        this.source?.addEventListener(name, (event) => this.take(name, event));
      }
    }

    open() {
      if (this.source || document.hidden) {
        return;
      }
      clearTimeout(this.timer);
      const address = new URL(this.address, location.href);
      if (this.last) {
        address.searchParams.set("after", this.last);
      }
      this.source = new EventSource(address);
      this.source.addEventListener("open", () => { this.wait = 1000; this.say("open"); });
      this.source.addEventListener("error", () => this.lost());
      this.names.forEach((name) =>
        this.source.addEventListener(name, (event) => this.take(name, event)));
    }

    close() {
      clearTimeout(this.timer);
      this.source?.close();
      this.source = undefined;
    }

    // An EventSource gives up when it hears an error status; this one comes back.
    lost() {
      this.say("lost");
      this.close();
      this.timer = setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(this.wait * 2, 30000);
    }

    say(state) {
      this.parts.forEach((element) => { element.dataset.liveState = state; });
      document.querySelectorAll(".live").forEach((sign) => {
        sign.classList.toggle("lost", state === "lost");
        sign.textContent = sign.dataset[state] || sign.textContent;
      });
    }

    take(name, event) {
      this.last = event.lastEventId || this.last;
      for (const element of this.parts) {
        if (!element.isConnected) {
          this.parts.delete(element);
        } else if ((element.dataset.liveEvent || "message") === name) {
          const put = element.dataset.liveMode === "append" ? append : fill;
          put(element, event.data);
        }
      }
      if (this.parts.size === 0) {
        this.close();
        streams.delete(this.address);
      }
    }
  }

  function follow(element) {
    const address = element.dataset.live;
    if (!streams.has(address)) {
      streams.set(address, new Stream(address));
    }
    streams.get(address).add(element);
    streams.get(address).open();
  }

  // A page that nobody sees holds no connection.
  document.addEventListener("visibilitychange", () => {
    streams.forEach((stream) => (document.hidden ? stream.close() : stream.open()));
  });
  addEventListener("pagehide", () => streams.forEach((stream) => stream.close()));
  addEventListener("pageshow", () => streams.forEach((stream) => stream.open()));

  // ---- Beginnings: of the page, and of whatever is put into it later

  function begin(root) {
    const all = (selector) => [...(root.matches?.(selector) ? [root] : []),
      ...root.querySelectorAll(selector)];
    all("time[datetime]").forEach(showTime);
    all("[data-zone-of]").forEach(showZone);
    all("[data-zone]").forEach((name) => { name.textContent = zone || name.textContent; });
    all("[data-select]").forEach(countSelected);
    const around = root.closest?.("[data-select]");
    if (around) {
      countSelected(around);
    }
    showChosen(root);
    all("[data-rows]").forEach(showRows);
    all("[data-live]").forEach(follow);
    window.waypostCharts?.(root, language);
  }

  document.addEventListener("htmx:load", (event) => begin(event.detail.elt));
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => begin(document));
  } else {
    begin(document);
  }
})();
