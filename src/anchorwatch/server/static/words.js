// Numbers as people read them, and the rows of a tooltip.
const SCALES = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];

export function say_number(value, format) {
  if (value === null || value === undefined) return "–";
  if (format === "share") return `${digits(100 * value)} %`;
  if (format !== "seconds") return Math.abs(value) >= 10 && Number.isInteger(value) ? value.toLocaleString("en") : digits(value);
  const [scale, mark] = SCALES.find(([size]) => Math.abs(value) >= size) ?? SCALES[2];
  return `${Number((value / scale).toPrecision(3))} ${mark}`;
}

function digits(value) {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  if (size >= 100) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size >= 0.01 ? value.toFixed(3) : String(Number(value.toPrecision(2)));
}

export const row = (list, term, text) => list.append(element("dt", term, "soft"), element("dd", text));

export function element(tag, text = "", kind = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
