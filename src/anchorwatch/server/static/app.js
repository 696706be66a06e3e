// What pages do beyond HTML: theme, opt-in refresh, copying, the drawer. Charts and heat maps have modules of their own.
import { drawAll, redraw } from "./charts.js";
import { wireHeat } from "./heat.js";
import { closeDrawer, openDrawer } from "./drawer.js";

const THEMES = ["", "light", "dark"];
const WORDS = { "": "as the system", light: "light", dark: "dark" };
const SIGNS = { "": "◐", light: "○", dark: "●" };

function wireTheme() {
  const button = document.getElementById("theme");
  const show = () => {
    const now = document.documentElement.dataset.theme ?? "";
    button.textContent = SIGNS[now];
    button.setAttribute("aria-label", `Theme: ${WORDS[now]}`);
    button.title = `Theme: ${WORDS[now]}`;
  };
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? "";
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    if (next) localStorage.setItem("anchorwatch-theme", next);
    else localStorage.removeItem("anchorwatch-theme");
    show();
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  show();
}

// Off unless chosen, kept for this tab only; never while somebody reads a drawer or writes in a field.
function wireRefresh() {
  const select = document.getElementById("refresh");
  let timer = 0;
  const arm = () => {
    clearInterval(timer);
    const seconds = Number(select.value);
    if (seconds) timer = setInterval(reload, seconds * 1000);
  };
  const reload = () => {
    const busy = document.getElementById("drawer").open || document.activeElement?.matches("input, textarea");
    if (!busy && !document.hidden) location.reload();
  };
  select.value = sessionStorage.getItem("anchorwatch-refresh") ?? "0";
  if (!select.value) select.value = "0";
  select.addEventListener("change", () => {
    sessionStorage.setItem("anchorwatch-refresh", select.value);
    arm();
  });
  arm();
}

async function copy(button) {
  const text = button.parentElement.querySelector("code").textContent;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = before), 1500);
}

function wireClicks() {
  document.addEventListener("click", (event) => {
    const plain = !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0;
    const copier = event.target.closest("[data-copy]");
    if (copier) copy(copier);
    if (event.target.closest("[data-close]")) closeDrawer();
    const link = event.target.closest("a[data-drawer]");
    if (link && plain) {
      event.preventDefault();
      openDrawer(link.getAttribute("href"));
    }
    for (const open of document.querySelectorAll("details.custom[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
  });
}

// A change of a date inside the time picker waits for its button; other controls act at once.
function wireControls() {
  document.addEventListener(
    "change",
    (event) => {
      if (event.target.closest(".pop")) event.stopPropagation();
    },
    true,
  );
  document.addEventListener("htmx:config:request", (event) => {
    const body = event.detail.ctx?.request?.body;
    if (!(body instanceof FormData)) return;
    for (const [name, value] of [...body]) if (value === "") body.delete(name);
  });
}

wireTheme();
wireRefresh();
wireClicks();
wireControls();
const wire = (root) => {
  drawAll(root);
  wireHeat(root);
};
wire(document);
document.addEventListener("htmx:after:settle", () => wire(document));
