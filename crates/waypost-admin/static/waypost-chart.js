// Draws <figure data-chart="/api/v1/statistics?…"> with uPlot; only pages with charts load it,
// before waypost.js. The answer of the address:
//
//   { "times": [seconds, …], "series": [{ "name": "accepted", "values": [1, null, …] }, …] }
"use strict";

(() => {
  const drawn = new WeakMap();
  const figures = new Set();

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // How a value is written: counts, seconds (data-unit="seconds") or bytes ("bytes").
  function writer(unit, language) {
    const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
    const part = (name) => new Intl.NumberFormat(language, {
      style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 1,
    });
    const scaled = (steps) => (value) => {
      const [size, format] = steps.find(([size]) => Math.abs(value) >= size) || steps.at(-1);
      return format.format(value / size);
    };
    const kinds = {
      seconds: scaled([[86400, part("day")], [3600, part("hour")], [60, part("minute")],
        [1, part("second")], [0.001, part("millisecond")]]),
      bytes: scaled([[2 ** 30, part("gigabyte")], [2 ** 20, part("megabyte")],
        [2 ** 10, part("kilobyte")], [1, part("byte")]]),
    };
    const write = Object.hasOwn(kinds, unit) ? kinds[unit] : (value) => number.format(value);
    return (value) => (value === null || value === undefined ? "–" : write(value));
  }

  // Sums from below, so that areas stand on each other; what is on top is drawn first.
  function stacked(series) {
    const below = [];
    return series.map((one) => one.values.map((value, at) => {
      below[at] = (below[at] || 0) + (value || 0);
      return below[at];
    }));
  }

  // Places that no line leads to: between gaps there would be nothing to see.
  function alone(values) {
    const has = (at) => values[at] !== null && values[at] !== undefined;
    return [...values.keys()].filter((at) => has(at) && !has(at - 1) && !has(at + 1));
  }

  // The last point is still growing: what it has so far would look like a drop.
  function finished(answer) {
    return {
      ...answer,
      times: answer.times.slice(0, -1),
      series: answer.series.map((one) => ({ ...one, values: one.values.slice(0, -1) })),
    };
  }

  function options(figure, series, write, language) {
    const stack = figure.dataset.kind === "stacked";
    const axis = {
      stroke: colour("--muted"),
      font: "12px " + getComputedStyle(document.body).fontFamily,
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1, size: 4 },
    };
    const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
    const clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
    const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    const when = (seconds) => new Date(seconds * 1000);
    const times = (plot, splits, at, space, step) =>
      splits.map((seconds) => (step >= 86400 ? day : clock).format(when(seconds)));
    const lines = series.map((one, at) => ({
      label: one.label,
      stroke: colour(`--c${(at % 6) + 1}`),
      width: 2,
      dash: [[], [8, 4], [2, 4], [10, 4, 2, 4]][Math.floor(at / 6) % 4],
      fill: stack || figure.dataset.kind === "area"
        ? colour(`--c${(at % 6) + 1}`) + (stack ? "" : "22") : undefined,
      points: { show: true, size: 6, fill: colour(`--c${(at % 6) + 1}`),
        filter: () => alone(one.values) },
      value: (plot, value, index, place) =>
        write(place === null ? null : one.values[place]),
    }));
    return {
      width: figure.querySelector(".chart-body").clientWidth,
      height: Number(figure.dataset.height) || 220,
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (plot, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      series: [{
        label: figure.dataset.labelTime || "",
        value: (plot, value) => (value === null ? "–" : full.format(when(value))),
      }, ...(stack ? lines.reverse() : lines)],
      axes: [{ ...axis, space: 70, values: times },
        { ...axis, size: 64, values: (plot, splits) => splits.map(write) }],
    };
  }

  // The same as a table, for who cannot see the picture; in a <details> with an empty <table>.
  function tabulate(figure, answer, series, write, language) {
    const table = figure.querySelector("details table");
    if (!table) {
      return;
    }
    const format = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" });
    const row = (tag, texts) => {
      const made = document.createElement("tr");
      texts.forEach((text, at) => {
        const cell = document.createElement(tag);
        cell.textContent = text;
        cell.className = at > 0 ? "number" : "";
        made.append(cell);
      });
      return made;
    };
    const head = document.createElement("thead");
    const body = document.createElement("tbody");
    head.append(row("th", [figure.dataset.labelTime || "", ...series.map((one) => one.label)]));
    const first = Math.max(0, answer.times.length - 120);
    for (let at = answer.times.length - 1; at >= first; at -= 1) {
      body.append(row("td", [format.format(new Date(answer.times[at] * 1000)),
        ...series.map((one) => write(one.values[at]))]));
    }
    table.replaceChildren(head, body);
  }

  function draw(figure, answer, language) {
    const labels = JSON.parse(figure.dataset.labels || "{}");
    const series = answer.series.map((one) => ({
      ...one, label: Object.hasOwn(labels, one.name) ? labels[one.name] : one.name,
    }));
    const write = writer(figure.dataset.unit, language);
    const sums = figure.dataset.kind === "stacked" ? stacked(series).reverse()
      : series.map((one) => one.values);
    drawn.get(figure)?.plot.destroy();
    const plot = new uPlot(options(figure, series, write, language), [answer.times, ...sums],
      figure.querySelector(".chart-body"));
    drawn.set(figure, { plot, answer, language });
    tabulate(figure, answer, series, write, language);
  }

  async function load(figure, language) {
    if (!figure.isConnected) {
      figures.delete(figure);
      return;
    }
    const every = (Number(figure.dataset.every) || 60) * 1000;
    setTimeout(() => load(figure, language), every);
    if (document.hidden && drawn.has(figure)) {
      return;
    }
    try {
      const response = await fetch(figure.dataset.chart, { credentials: "same-origin" });
      if (response.ok) {
        draw(figure, finished(await response.json()), language);
      }
      figure.dataset.chartState = response.ok ? "drawn" : "failed";
    } catch {
      // The server is away; the next round finds it again.
      figure.dataset.chartState = "failed";
    }
  }

  const sizes = new ResizeObserver((changes) => {
    for (const { target, contentRect } of changes) {
      const known = drawn.get(target.closest("figure"));
      if (known && contentRect.width > 0 && known.plot.width !== Math.floor(contentRect.width)) {
        known.plot.setSize({ width: Math.floor(contentRect.width), height: known.plot.height });
      }
    }
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const figure of figures) {
      const known = drawn.get(figure);
      if (known) {
        draw(figure, known.answer, known.language);
      }
    }
  });

  window.waypostCharts = (root, language) => {
    const found = [...root.querySelectorAll("figure[data-chart]")];
    if (root.matches?.("figure[data-chart]")) {
      found.push(root);
    }
    found.filter((figure) => !figures.has(figure)).forEach((figure) => {
      figures.add(figure);
      sizes.observe(figure.querySelector(".chart-body"));
      load(figure, language);
    });
  };
})();
