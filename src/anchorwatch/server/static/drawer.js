// The drawer at the right: one dialog for all details; focus goes in and comes back.
import { drawAll } from "./charts.js";

const drawer = document.getElementById("drawer");
const body = document.getElementById("drawer-body");
let cameFrom = null;

export async function openDrawer(address) {
  cameFrom = document.activeElement;
  body.textContent = "";
  if (!drawer.open) drawer.showModal();
  try {
    await htmx.ajax("GET", address, { target: "#drawer-body", swap: "innerHTML ignoreTitle:true" });
    drawAll(body);
    drawer.setAttribute("aria-label", body.querySelector("h2, h1")?.textContent ?? "Details");
    (body.querySelector("[data-close]") ?? drawer).focus();
  } catch (problem) {
    body.textContent = `This could not be loaded: ${problem.message}`;
  }
}

export function closeDrawer() {
  drawer.close();
}

drawer.addEventListener("close", () => {
  body.textContent = "";
  if (cameFrom?.isConnected) cameFrom.focus({ preventScroll: true });
});
drawer.addEventListener("click", (event) => {
  if (event.target === drawer) drawer.close();
});
