// Heat maps are tables; here they get arrow keys, a label for the cell under focus, and a drawer per cell.
import { openDrawer } from "./drawer.js";

const tip = document.getElementById("tip");

export function wireHeat(root) {
  for (const box of root.querySelectorAll("[data-heat]:not([data-wired])")) {
    box.dataset.wired = "";
    wire(box, JSON.parse(box.querySelector("script").textContent));
  }
}

function wire(box, facts) {
  const table = box.querySelector("table");
  const cells = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll('[role="gridcell"]')]);
  const place = (cell) => {
    const row = cell.parentElement.sectionRowIndex;
    return [row, cells[row].indexOf(cell)];
  };
  const words = (cell) => {
    const [row, at] = place(cell);
    const breach = cell.classList.contains("b") ? ", breach" : "";
    return `${facts.names[row]}, ${facts.labels[at]}: ${facts.title} ${cell.dataset.v}${breach}`;
  };
  const open = (cell) => {
    const [row, at] = place(cell);
    const asked = new URLSearchParams({ column: facts.columns[row], start: facts.starts[at], end: facts.ends[at] });
    const base = box.dataset.heat;
    hideTip();
    openDrawer(`${base}${base.includes("?") ? "&" : "?"}${asked}`);
  };
  const go = (row, at) => {
    const to = cells[Math.max(0, Math.min(row, cells.length - 1))];
    const cell = to[Math.max(0, Math.min(at, to.length - 1))];
    table.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    cell.tabIndex = 0;
    cell.focus();
  };
  table.addEventListener("click", (event) => {
    const cell = event.target.closest('[role="gridcell"]');
    if (!cell) return;
    go(...place(cell));
    open(cell);
  });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest('[role="gridcell"]');
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, at] = place(cell);
    const last = cells[row].length - 1;
    const moves = {
      ArrowLeft: [row, at - 1], ArrowRight: [row, at + 1], ArrowUp: [row - 1, at], ArrowDown: [row + 1, at],
      Home: [row, 0], End: [row, last], PageUp: [0, at], PageDown: [cells.length - 1, at],
    };
    if (event.key === "Enter" || event.key === " ") open(cell);
    else if (moves[event.key]) go(...moves[event.key]);
    else return;
    event.preventDefault();
  });
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest('[role="gridcell"]');
    if (!cell) return;
    cell.setAttribute("aria-label", words(cell));
    if (cell.matches(":focus-visible")) showTip(words(cell), cell);
  });
  table.addEventListener("focusout", hideTip);
  table.addEventListener("mouseover", (event) => {
    const cell = event.target.closest('[role="gridcell"]');
    if (cell) showTip(words(cell), cell);
    else hideTip();
  });
  table.addEventListener("mouseleave", hideTip);
}

function showTip(text, cell) {
  tip.textContent = text;
  tip.hidden = false;
  const at = cell.getBoundingClientRect();
  const wide = tip.offsetWidth;
  tip.style.left = `${Math.max(6, Math.min(at.left + at.width / 2 - wide / 2, innerWidth - wide - 6))}px`;
  tip.style.top = `${at.top > 60 ? at.top - tip.offsetHeight - 6 : at.bottom + 6}px`;
}

function hideTip() {
  tip.hidden = true;
}
