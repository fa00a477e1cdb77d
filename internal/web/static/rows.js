// The list: who waits longest first, then the latest. Rows arrive as the server
// draws them for everybody; whose they are is settled here.
import { t } from "./words.js";
import { belongs, order } from "./order.js";

// parse makes the element of a piece of HTML.
export function parse(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content.firstElementChild;
}

// adopt settles what differs from viewer to viewer.
export function adopt(row, me) {
  row.classList.toggle("mine", row.dataset.by !== "" && row.dataset.by === me);
  const by = row.querySelector(".row-by");
  if (by && by.dataset.by === me && me) by.textContent = t("you");
}

// held are rows that came while the one in their place was being pressed: to
// replace it then would swallow the click.
const held = new Map();

function hold(...what) {
  if (held.size === 0) {
    const release = () => setTimeout(() => {
      const waiting = [...held.values()];
      held.clear();
      for (const one of waiting) put(...one);
    });
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, release, { once: true });
  }
  held.set(what[1].id, what);
}

// put sets a row in its place, moves it, or takes it away.
export function put(list, row, me, current) {
  if (document.getElementById(row.id)?.matches(":active")) {
    hold(list, row, me, current);
    return;
  }
  adopt(row, me);
  if (row.dataset.thread === current) row.setAttribute("aria-current", "true");
  const old = document.getElementById(row.id);
  const focused = old && old === document.activeElement;
  if (list.dataset.q) { // the result of a search keeps its order
    old?.replaceWith(row);
    return;
  }
  old?.remove();
  if (!belongs(row.dataset, { ...list.dataset, me })) return;
  let next = null;
  for (const other of list.querySelectorAll(".thread-row")) {
    if (order(row.dataset, other.dataset) < 0) {
      next = other;
      break;
    }
  }
  const more = list.querySelector(".list-more");
  if (!next && more && !old) return; // it stands further down than what is loaded
  list.insertBefore(row, next ?? more);
  if (focused) row.focus({ preventScroll: true });
}

// once drops rows that a piece brings and the page has already.
export function once(list) {
  const seen = new Set();
  for (const row of list.querySelectorAll(".thread-row")) {
    if (seen.has(row.id)) row.remove();
    seen.add(row.id);
  }
}
