// The card beside a thread: sections are drawn anew one by one, and what she is
// typing in one of them stays.
const $ = (id) => document.getElementById(id);
const { htmx } = window;

let composing = false; // an input method is at work: moving its field would break the word
document.addEventListener("compositionstart", () => (composing = true));
document.addEventListener("compositionend", () => (composing = false));

let since = 0; // a finger has been down; for a moment only, should nobody tell that it was lifted
const lifted = () => setTimeout(() => (since = 0)); // when the tap was heard
addEventListener("pointerdown", () => (since = Date.now()), true);
addEventListener("pointerup", lifted, true);
addEventListener("pointercancel", lifted, true);

/** pressed tells whether a finger is down: a button that is drawn anew under it never hears of the tap. */
export const pressed = () => Date.now() - since < 1500;

const fields = (el) => el.querySelectorAll("input:not([type=hidden]), textarea, select");
function dirty(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return [...field.options].some((o) => o.selected !== o.defaultSelected) && field.selectedIndex > 0;
  return field.value !== field.defaultValue;
}
// busy tells whether she is at work in a part of a section.
function busy(el) {
  if ([...fields(el)].some((f) => dirty(f) && f.type !== "search") || (el.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"))) return true;
  return Boolean((el.matches("details[open]") ? el : el.querySelector("details[open]"))?.querySelector("form, .known-edit"));
}

/** patch puts a fresh section in the place of the old one. sent is the form that it answers. */
export function patch(old, html, sent) {
  const box = document.createElement("template");
  box.innerHTML = html;
  const fresh = box.content.firstElementChild;
  if (!fresh) return;
  const focused = document.activeElement, at = old.contains(focused) ? [focused.selectionStart, focused.selectionEnd] : null;
  const rows = new Set([...old.querySelectorAll("[data-row]")].map((el) => el.dataset.row));
  const open = [...old.querySelectorAll("details[open][id]")].map((el) => el.id);
  for (const el of old.querySelectorAll("[data-hold][id]")) {
    if (el.contains(sent) || sent?.contains(el) || !busy(el)) continue;
    const place = [...fresh.querySelectorAll("[id]")].find((x) => x.id === el.id);
    if (place) place.replaceWith(el);
  }
  if (!sent) for (const id of open) fresh.querySelector("#" + CSS.escape(id))?.setAttribute("open", "");
  // What can be put back stands there for a moment, also when the section is drawn anew.
  const undone = (sent ? fresh : old).querySelector(".undone");
  if (undone && sent) setTimeout(() => document.querySelector(".undone") === undone && undone.remove(), 12000);
  else if (undone) fresh.querySelector(".tags")?.after(undone);
  const empty = !rows.size && old.hidden;
  old.replaceWith(fresh);
  htmx.process(fresh);
  if (at && fresh.contains(focused)) {
    focused.focus({ preventScroll: true });
    if (at[0] != null) try { focused.setSelectionRange(...at); } catch { /* a field without a caret */ }
  } else if (sent?.id && !matchMedia("(pointer: coarse)").matches) $(sent.id)?.querySelector("textarea")?.focus({ preventScroll: true });
  if (empty) return;
  for (const el of fresh.querySelectorAll("[data-row]")) {
    if (rows.has(el.dataset.row)) continue;
    el.classList.add("arrived-now");
    setTimeout(() => el.classList.remove("arrived-now"), 2500);
  }
}

const waiting = {};
/** renew fetches some sections of the card of a thread; still tells whether it is open. */
export function renew(thread, parts, still) {
  for (const part of parts) {
    clearTimeout(waiting[part]);
    waiting[part] = setTimeout(fetchPart, 150, thread, part, still, 1000);
  }
}
/** sending tells that the answer to what she did in a section is on its way: it has to find the section that it left. */
export const sending = (id) => Boolean($(id)?.querySelector(".htmx-request"));
async function fetchPart(thread, part, still, again) {
  const beside = part === "offers" || part === "contact"; // they stand above the composer
  const id = beside ? part : "card-" + part;
  if (!still() || !$(id)) return;
  if ((part === "purchases" && $(id).hasAttribute("hx-get"))) return; // it was not looked at yet
  const later = () => (waiting[part] = setTimeout(fetchPart, again, thread, part, still, Math.min(30000, 2 * again)));
  if (pressed() || sending(id)) return (waiting[part] = setTimeout(fetchPart, 150, thread, part, still, again));
  if ((composing && $(id).contains(document.activeElement)) || $(id).querySelector("dialog[open], details.menu[open]")) return later();
  try {
    const path = beside ? "/inbox/" + thread + "/" + part : "/inbox/" + thread + "/card/" + part;
    const answer = await fetch(path, { headers: { "HX-Request": "true", Accept: "text/html" } });
    if (!answer.ok) {
      if (answer.status >= 500) later();
      return;
    }
    const html = await answer.text();
    if (pressed() || sending(id)) return later();
    if (still() && $(id)) patch($(id), html);
  } catch {
    later(); // no network, and the stream tells nothing twice
  }
}

// What she did herself answers with the section, or with her words and what is wrong.
document.addEventListener("htmx:beforeSwap", (e) => {
  const { target, xhr, requestConfig } = e.detail;
  if (xhr.status >= 500 || !xhr.responseText) return;
  const again = xhr.getResponseHeader("HX-Retarget");
  const part = again ? document.querySelector(again) : target;
  if (!part?.matches?.("#card [data-part], #offers, #contact") || (xhr.status >= 400 && !again)) return;
  e.detail.shouldSwap = false;
  const from = requestConfig.elt;
  patch(part, xhr.responseText, from.closest("form, [data-hold]") ?? from);
  const wrong = xhr.status >= 400 && $(part.id)?.querySelector("[aria-invalid]");
  if (wrong) wrong.focus();
});

document.addEventListener("toggle", (e) => {
  const el = e.target;
  if (!el.closest?.("#card")) return;
  // One reason at a time, and what was held is fresh again when it closes.
  if (el.open && el.matches(".tag")) for (const other of document.querySelectorAll(".tag[open]")) if (other !== el) other.open = false;
  if (!el.open && el.dataset.refresh && el.querySelector(".known-edit > :not(.loading)")) renew($("card").dataset.thread, [el.dataset.refresh], () => true);
}, true);

document.addEventListener("input", (e) => {
  if (!e.target.matches("[data-filter]")) return;
  const wanted = e.target.value.trim().toLowerCase();
  for (const chip of e.target.closest("form").querySelectorAll("button")) chip.hidden = !chip.textContent.toLowerCase().includes(wanted);
});
// A day that she picks is the day she means.
document.addEventListener("change", (e) => {
  if (e.target.matches(".adds .pick-date")) e.target.closest("form").querySelector("[value=date]").checked = true;
});
// Enter adds the line; with Shift, and on glass, it is a new line.
document.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229 || matchMedia("(pointer: coarse)").matches) return;
  if (e.target.matches("[data-filter]")) return e.preventDefault();
  if (!e.target.matches("#card textarea")) return;
  e.preventDefault();
  if (e.target.value.trim()) e.target.form.requestSubmit();
});
