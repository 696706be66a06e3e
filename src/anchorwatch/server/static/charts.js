// Time charts and distributions, drawn on canvas by ECharts. Tooltips are built as elements: the content security
// policy lets no style attribute pass.
import { curve } from "./curve.js";
import { element, row, say_number } from "./words.js";

const charts = new Map();
const COLOURS = ["accent", "second", "third", "ref"];

export function drawAll(root) {
  for (const [figure, chart] of charts) {
    if (figure.isConnected) continue;
    chart.dispose();
    charts.delete(figure);
  }
  for (const figure of root.querySelectorAll(":is(figure[data-chart], figure[data-curve]):not([data-drawn])")) seen.observe(figure);
  for (const figure of root.querySelectorAll("figure[data-bars]:not([data-drawn])")) {
    figure.dataset.drawn = "";
    paint(figure, JSON.parse(figure.querySelector("script").textContent), bars);
  }
}

export function redraw() {
  for (const chart of charts.values()) chart.setOption(chart.made(palette()), true);
}

// Charts below the fold are fetched when they come near.
const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      load(target);
    }
  },
  { rootMargin: "300px" },
);

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) charts.get(target.parentElement)?.resize();
});

// The large chart and its small one stand on the same answer.
const underway = new Map();
function asked(address) {
  if (!underway.has(address)) {
    underway.set(address, fetchFacts(address).finally(() => underway.delete(address)));
  }
  return underway.get(address);
}

async function fetchFacts(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  const facts = await answer.json();
  if (!answer.ok) throw new Error(facts.detail ?? answer.statusText);
  return facts;
}

async function load(figure) {
  figure.dataset.drawn = "";
  try {
    const facts = await asked(figure.dataset.chart ?? figure.dataset.curve);
    if (figure.dataset.curve) return showCurve(figure, facts);
    caption(figure, facts);
    const known = facts.lines.some((line) => line.value.some((value) => value !== null));
    if (known) paint(figure, facts, lines);
    else say(figure, reasonOf(facts));
  } catch (problem) {
    say(figure, `This chart could not be loaded: ${problem.message}`);
  }
}

function paint(figure, facts, make) {
  const canvas = figure.querySelector(".canvas");
  const chart = echarts.init(canvas, null, { renderer: "canvas" });
  chart.made = (colours) => make(facts, colours, figure);
  chart.setOption(chart.made(palette()));
  charts.set(figure, chart);
  resized.observe(canvas);
  chart.on("click", ({ data }) => data?.href && location.assign(data.href));
  if (facts.lines) canvas.setAttribute("aria-label", spoken(figure, facts));
  figure.dataset.ready = performance.now();
}

function say(figure, text) {
  const note = document.createElement("p");
  note.textContent = text;
  const canvas = figure.querySelector(".canvas");
  canvas.removeAttribute("role");
  canvas.replaceChildren(note);
  figure.dataset.ready = "";
}

function showCurve(figure, facts) {
  if (!facts.curve) return say(figure, `Not known here: ${facts.reason}`);
  paint(figure, facts, curve);
  const rows = facts.curve.n.reduce((sum, n) => sum + n, 0);
  figure.querySelector(".unit").textContent = facts.label ? `class ${facts.label}` : "";
  figure.querySelector(".now").textContent = `${rows.toLocaleString("en")} rows`;
  const said = facts.curve.n.map((n, at) => `${say_number(facts.curve.predicted[at], "share")} said, ${say_number(facts.curve.observed[at], "share")} came`);
  figure.querySelector(".canvas").setAttribute("aria-label", `Calibration curve: ${said.join("; ")}`);
}

const reasonOf = (facts) => {
  const reasons = facts.lines.flatMap((line) => Object.values(line.reason));
  return reasons.length ? `Not known here: ${reasons.at(-1)}` : "No windows in this span";
};

// Beside the title: the latest value that is not about to change, unless the page tells its own.
function caption(figure, facts) {
  figure.querySelector(".unit").textContent = facts.unit && facts.unit !== "%" && facts.format !== "seconds" ? facts.unit : "";
  if (facts.lines.length > 1 || facts.limit !== null) return;
  const line = facts.lines[0];
  const ripe = line.value.findLastIndex((value, at) => value !== null && isRipe(line, at));
  const at = ripe >= 0 ? ripe : lastKnown(line.value);
  const now = figure.querySelector(".now");
  now.textContent = at < 0 ? "" : say_number(line.value[at], facts.format);
  now.title = at < 0 ? "" : day(line.t[at]);
}

function spoken(figure, facts) {
  const title = figure.querySelector("figcaption").firstElementChild?.matches("a")
    ? figure.querySelector("figcaption a").textContent
    : figure.querySelector("figcaption").firstChild.textContent.trim();
  const parts = facts.lines.map((line) => {
    const at = lastKnown(line.value);
    return `${line.name}: ${line.t.length} windows from ${day(line.t[0])} to ${day(line.t.at(-1))}, latest ${say_number(line.value[at], facts.format)}`;
  });
  const reference = facts.reference?.value;
  return `${title}. ${parts.join("; ")}${reference == null ? "" : `; reference ${say_number(reference, facts.format)}`}`;
}

// Numbers and times ---------------------------------------------------------------------------------------------

function axis_number(value, format, step) {
  if (value === 0 && format !== "share") return "0";
  if (format === "seconds") return say_number(value, format);
  const scale = format === "share" ? 100 : 1;
  const decimals = Math.max(0, Math.min(8, -Math.floor(Math.log10(step * scale) + 1e-9) + (String(step * scale).replace(/[0.]/g, "").startsWith("25") ? 1 : 0)));
  const text = (value * scale).toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return format === "share" ? `${text} %` : text;
}

const day = (t) => {
  const text = new Date(t).toISOString();
  return text.slice(11, 16) === "00:00" ? text.slice(0, 10) : text.slice(0, 16).replace("T", " ");
};

const lastKnown = (values) => values.findLastIndex((value) => value !== null);
const isRipe = (line, at) => line.maturity === null || (line.maturity[at] ?? 1) >= 0.9;

// Canvas knows no custom properties: ask a hidden element what each one comes to.
function palette() {
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const told = {};
  for (const name of ["ink", "soft", "line", "strong", "panel", "accent", "second", "third", "ref", "band", "refband", "page", "warn"]) {
    probe.style.color = `var(--${name})`;
    told[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return told;
}

// Time charts ---------------------------------------------------------------------------------------------------

function lines(facts, colours, figure) {
  const series = facts.lines.flatMap((line, index) => lineSeries(line, index, facts, colours));
  if (series.length) Object.assign(series[0], marks(facts, colours, figure));
  const small = figure.classList.contains("small");
  return {
    animation: false,
    aria: { enabled: false },
    grid: { left: 8, right: 12, top: facts.lines.length > 1 ? 26 : 12, bottom: 4, containLabel: true },
    legend: {
      show: facts.lines.length > 1, top: 0, left: 4, itemWidth: 16, itemHeight: 2,
      data: facts.lines.map((line) => ({ name: line.name, icon: "rect" })), textStyle: { color: colours.soft },
    },
    xAxis: timeAxis(colours, small),
    yAxis: valueAxis(facts, colours, small),
    dataZoom: [{ type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
    tooltip: tooltip(facts, colours),
    useUTC: true,
    series,
  };
}

function lineSeries(line, index, facts, colours) {
  const colour = colours[COLOURS[index % COLOURS.length]];
  const ripe = (at) => isRipe(line, at);
  const points = line.t.map((t, at) => [t, line.value[at]]);
  const isolated = (at) => line.value[at - 1] == null && line.value[at + 1] == null;
  const firstGreen = line.t.findIndex((_, at) => line.t.slice(at).every((_, more) => !ripe(at + more)));
  const edge = firstGreen < 0 ? points.length : firstGreen;
  const style = { type: "line", sampling: "lttb", showSymbol: false, lineStyle: { width: 1.6, color: colour }, itemStyle: { color: colour }, emphasis: { disabled: true } };
  const drawn = [{ ...style, name: line.name, z: 4, data: points.map((point, at) => (at < edge ? point : [point[0], null])) }];
  if (edge < points.length) drawn.push(immature(line, points, edge, colour, colours));
  const lonely = points.filter((point, at) => point[1] !== null && at < edge && isolated(at));
  if (lonely.length) drawn.push({ type: "scatter", name: line.name, data: lonely, symbolSize: 4, itemStyle: { color: colour }, silent: true, z: 4 });
  if (facts.lines.length === 1 && line.low && line.high) drawn.push(...band(line, colours));
  return drawn;
}

// The tail whose outcomes are still to come: dotted, with hollow points.
function immature(line, points, edge, colour, colours) {
  const few = points.length - edge < 60;
  return {
    type: "line", name: line.name, z: 5, silent: true,
    data: points.slice(Math.max(edge - 1, 0)).map(([t, value], at) => ({ value: [t, value], symbol: at === 0 && edge > 0 ? "none" : "circle" })),
    showSymbol: few, symbolSize: 5, itemStyle: { color: colours.panel, borderColor: colour, borderWidth: 1.3 },
    lineStyle: { width: 1.3, type: "dotted", color: colour },
  };
}

// The interval as two stacked lines: an unseen floor and what stands on it.
function band(line, colours) {
  const shared = { type: "line", stack: "band", stackStrategy: "all", sampling: "lttb", silent: true, showSymbol: false, lineStyle: { opacity: 0 }, z: 2, tooltip: { show: false } };
  const known = (at) => line.low[at] !== null && line.high[at] !== null;
  return [
    { ...shared, name: "_floor", data: line.t.map((t, at) => [t, known(at) ? line.low[at] : null]) },
    { ...shared, name: "_band", areaStyle: { color: colours.band, opacity: 1 }, data: line.t.map((t, at) => [t, known(at) ? line.high[at] - line.low[at] : null]) },
  ];
}

function marks(facts, colours, figure) {
  const { reference, limit } = facts;
  const across = [];
  const big = !figure.classList.contains("small");
  if (reference?.value != null) across.push({ yAxis: reference.value, name: "reference", lineStyle: { color: colours.ref, type: "dashed", width: 1.2 } });
  if (limit != null) across.push({ yAxis: limit, name: "limit", lineStyle: { color: colours.page, type: "solid", width: 1.2 }, label: { show: true, formatter: `limit ${say_number(limit, facts.format)}`, position: "insideStartTop", color: colours.page } });
  const spans = reference?.low != null && reference?.high != null ? [[{ yAxis: reference.low, itemStyle: { color: colours.refband } }, { yAxis: reference.high }]] : [];
  const first = facts.lines[0].t[0];
  const last = facts.lines[0].t.at(-1);
  const incidents = facts.marks.filter((mark) => (mark.end ?? last) >= first && mark.t <= last);
  for (const mark of incidents) {
    const colour = { page: colours.page, warn: colours.warn }[mark.severity] ?? colours.accent;
    if (mark.own) spans.push([{ xAxis: Math.max(mark.t, first), itemStyle: { color: colour, opacity: 0.1 } }, { xAxis: Math.min(mark.end ?? last, last) }]);
    if (mark.t >= first && (mark.own || big)) across.push({ xAxis: mark.t, name: mark.label, href: mark.href, lineStyle: { color: mark.own ? colour : colours.strong, type: mark.own ? "solid" : [2, 3], width: 1.2 } });
  }
  for (const alarm of facts.alarms) {
    if (alarm.t < first || alarm.t > last) continue;
    const label = { show: true, formatter: "▼", position: "end", distance: -2, color: colours.second, fontSize: 10 };
    across.push({ xAxis: alarm.t, name: alarm.text, lineStyle: { color: colours.second, type: [1, 4], width: 1, opacity: big ? 0.8 : 0.5 }, label: big ? label : { show: false } });
  }
  return {
    markLine: { symbol: "none", silent: !big, animation: false, label: { show: false }, data: across, emphasis: { label: { show: false } } },
    markArea: { silent: true, animation: false, data: spans },
  };
}

function timeAxis(colours, small) {
  return {
    type: "time",
    splitNumber: small ? 3 : 8,
    axisLine: { lineStyle: { color: colours.strong } },
    axisTick: { show: false },
    axisLabel: { color: colours.soft, hideOverlap: true, fontSize: 11, formatter: { year: "{yyyy}", month: "{MMM}", day: "{d} {MMM}", hour: "{HH}:{mm}", minute: "{HH}:{mm}" } },
    splitLine: { show: false },
  };
}

function valueAxis(facts, colours, small) {
  let low = Infinity, high = -Infinity;
  const hold = (value) => {
    if (value === null || value === undefined) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const line of facts.lines) for (const values of [line.value, line.low ?? [], line.high ?? []]) values.forEach(hold);
  hold(facts.reference?.value);
  hold(facts.limit);
  const room = (high - low) * 0.04 || Math.abs(high) * 0.1 || 1;
  const grounded = low >= 0 && low < (high - low) * 0.5;
  const step = nice((high - (grounded ? 0 : low) + 2 * room) / (small ? 3 : 5));
  const top = Math.ceil((high + room) / step) * step;
  return {
    type: "value", interval: step, min: grounded ? 0 : Math.floor((low - room) / step) * step, max: high <= 1 ? Math.min(1, top) : top,
    axisLabel: { color: colours.soft, fontSize: 11, formatter: (value) => axis_number(value, facts.format, step) },
    splitLine: { lineStyle: { color: colours.line } },
  };
}

// The next of 1, 2, 2.5 and 5 times a power of ten.
function nice(raw) {
  const ten = 10 ** Math.floor(Math.log10(raw));
  return ten * [1, 2, 2.5, 5, 10].find((one) => one * ten >= raw * 0.999);
}

// Tooltips ------------------------------------------------------------------------------------------------------

function tooltip(facts, colours) {
  return {
    trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: colours.panel, borderColor: colours.strong,
    padding: [6, 10], textStyle: { color: colours.ink },
    axisPointer: { type: "line", lineStyle: { color: colours.strong } },
    formatter: (items) => card(items[0]?.value?.[0] ?? items[0]?.axisValue, facts),
  };
}

function card(t, facts) {
  const box = element("div", "", "tip-card");
  box.append(element("b", day(t)));
  const rows = element("dl");
  for (const line of facts.lines) {
    const at = line.t.indexOf(t);
    if (at < 0) continue;
    row(rows, line.name, line.value[at] === null ? "unknown" : say_number(line.value[at], facts.format));
    if (line.reason[at]) row(rows, "why", line.reason[at]);
    if (facts.lines.length > 1) continue;
    if (line.low?.[at] != null) row(rows, "interval", `${say_number(line.low[at], facts.format)} … ${say_number(line.high[at], facts.format)}`);
    if (line.n[at] != null) row(rows, "rows", line.n[at].toLocaleString("en"));
    if (line.maturity?.[at] != null) row(rows, "with outcome", `${Math.floor(100 * line.maturity[at])} %`);
  }
  if (facts.reference?.value != null) row(rows, "reference", say_number(facts.reference.value, facts.format));
  for (const alarm of facts.alarms) if (alarm.t === t) row(rows, "detector", alarm.text);
  for (const mark of facts.marks) if (mark.t <= t && t <= (mark.end ?? Infinity)) row(rows, "incident", mark.label.slice(0, 60));
  box.append(rows);
  return box;
}

// Distributions -------------------------------------------------------------------------------------------------

function bars(facts, colours) {
  const share = (value) => say_number(value, "share");
  const one = (name, data, colour) => ({ name, type: "bar", data, itemStyle: { color: colour }, barGap: "8%", barCategoryGap: "22%" });
  const told = facts.reference.some((value) => value !== null);
  return {
    animation: false,
    grid: { left: 4, right: 22, top: 28, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 8, textStyle: { color: colours.soft } },
    xAxis: { type: "category", data: facts.label, axisTick: { show: false }, axisLine: { lineStyle: { color: colours.strong } }, axisLabel: { color: colours.soft, fontSize: 11, hideOverlap: true, interval: "auto", rotate: facts.kind === "category" && facts.label.length > 8 ? 40 : 0 } },
    yAxis: { type: "value", axisLabel: { color: colours.soft, fontSize: 11, formatter: (value) => `${Number((100 * value).toPrecision(3))} %` }, splitLine: { lineStyle: { color: colours.line } } },
    tooltip: {
      trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: colours.panel, borderColor: colours.strong, padding: [6, 10], textStyle: { color: colours.ink },
      formatter: (items) => {
        const box = element("div", "", "tip-card");
        box.append(element("b", items[0].name));
        const rows = element("dl");
        for (const item of items) row(rows, item.seriesName, share(item.value));
        box.append(rows);
        return box;
      },
    },
    series: [...(told ? [one("reference", facts.reference, colours.ref)] : []), one("now", facts.current, colours.accent)],
  };
}
