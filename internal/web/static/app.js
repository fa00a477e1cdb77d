// What every page needs: toasts, errors of htmx, the offline line, waiting times
// that count on, small forms that save themselves, menus that close.
import { t, span } from "./words.js";

const toasts = document.getElementById("toasts");

// toast shows a sentence for a while; tone "bad" stays until it is dismissed.
export function toast(text, tone = "") {
  const el = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  el.querySelector(".toast-text").textContent = text;
  if (tone) el.classList.add("toast-" + tone);
  if (tone === "bad") el.setAttribute("role", "alert");
  toasts.append(el);
  return el;
}

new MutationObserver((changes) => {
  for (const c of changes) for (const el of c.addedNodes) if (el.nodeType === 1) fade(el);
}).observe(toasts, { childList: true });
for (const el of toasts.children) fade(el);

function fade(el) {
  if (!el.classList.contains("toast-bad")) setTimeout(() => el.remove(), 5000);
}

document.addEventListener("click", (e) => {
  const dismiss = e.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".toast, .alert, dialog")?.remove();

  const opener = e.target.closest("[data-dialog]");
  if (opener) {
    e.preventDefault();
    document.getElementById(opener.dataset.dialog)?.showModal();
  }
  const closer = e.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (e.target instanceof HTMLDialogElement) e.target.close(); // the backdrop

  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(e.target) || e.target.closest(".menu-panel :is(a, button)")) menu.open = false;
  }
});

document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Forms with data-autosubmit save at the first change; what has hx-confirm asks in the page.
document.addEventListener("change", (e) => e.target.closest("form[data-autosubmit]")?.requestSubmit());
document.addEventListener("htmx:confirm", (e) => {
  if (!e.detail.question) return;
  e.preventDefault();
  import("./sure.js").then((sure) => sure.ask(e.detail));
});

// The server tells htmx in headers where an error goes (errors.go); an answer
// without them comes from something in between and must not land in the page.
document.addEventListener("htmx:beforeSwap", (e) => {
  const { xhr } = e.detail;
  if (xhr.getResponseHeader("X-Again")) { // is it still she? Then once more.
    e.detail.shouldSwap = e.detail.isError = false;
    import("./again.js").then((again) => again.before(e.detail));
    return;
  }
  if (xhr.status >= 400 && xhr.getResponseHeader("HX-Retarget")) e.detail.shouldSwap = true;
});
document.addEventListener("htmx:responseError", (e) => {
  if (!e.detail.xhr.getResponseHeader("HX-Retarget") && e.detail.xhr.status !== 401) toast(t("failed"), "bad");
});
// Only what she asked for herself: what the page fetches on its own it fetches again.
for (const kind of ["sendError", "timeout"]) {
  document.addEventListener("htmx:" + kind, (e) => e.detail.requestConfig.triggeringEvent && toast(t("no_network"), "bad"));
}

const offline = document.getElementById("offline");
function network() {
  offline.hidden = navigator.onLine;
}
window.addEventListener("online", network);
window.addEventListener("offline", network);
network();

// Waiting times: the same feelings as when.go.
function level(seconds) {
  return seconds < 60 ? "now" : seconds < 300 ? "fresh" : seconds < 900 ? "warm" : "late";
}
export function tick(root = document) {
  const now = Date.now() / 1000;
  for (const el of root.querySelectorAll("[data-since]")) {
    const seconds = now - Number(el.dataset.since);
    el.querySelector("[data-span]").textContent = span(seconds);
    el.className = "pill wait wait-" + level(seconds);
  }
}
setInterval(() => tick(), 20000);
