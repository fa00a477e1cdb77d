// What the administration needs beside htmx: copying, fields that depend on
// another, the preview of a saved reply, and secrets that a reload must not make
// a second time.
import { t } from "./words.js";
import { toast } from "./app.js";

// A page that answers a POST takes the address that a reload may have.
const settle = document.querySelector("[data-settle]")?.dataset.settle;
if (settle) history.replaceState(null, "", settle);

document.addEventListener("click", async (e) => {
  const button = e.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast(t("copied"), "good");
  } catch { // no https, or not allowed: mark it for her
    const code = button.parentElement.querySelector("code");
    if (button.closest(".admin-code")) code.textContent = button.dataset.copy; // it shows the end only
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (document.execCommand("copy")) toast(t("copied"), "good");
    else toast(t("copy_failed"));
  }
});

// Parts of a form that only matter while another field has a certain value.
function depend() {
  for (const part of document.querySelectorAll("[data-when]")) {
    const [name, values] = part.dataset.when.split("=");
    const field = part.closest("form").elements[name];
    part.hidden = !values.split("|").includes(field.value);
    part.disabled = part.hidden;
  }
}
document.addEventListener("change", depend);
depend();

const reply = document.querySelector("[data-reply]");
if (reply) {
  const { text, counter } = reply.elements;
  const bubble = document.getElementById("preview");
  const names = { ...reply.dataset };
  const draw = () => {
    const chosen = counter.value ? counter.selectedOptions[0].text : names.counter;
    const said = { customer: names.customer, advisor: names.advisor, counter: chosen };
    bubble.textContent = text.value.replace(/\{(customer|advisor|counter)\}/g, (_, name) => said[name]);
  };
  reply.addEventListener("input", draw);
  reply.addEventListener("click", (e) => {
    const mark = e.target.closest("[data-mark]");
    if (!mark) return;
    text.setRangeText(mark.dataset.mark, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    draw();
  });
  draw();
}

// The tag as it will stand on the cards.
const tag = document.querySelector("[data-tag]");
if (tag) {
  const sample = tag.querySelector("[data-sample]");
  const draw = () => {
    const tone = tag.elements.tone.value;
    sample.className = tone ? `pill pill-${tone}` : "pill";
    sample.textContent = tag.elements.label.value.trim() || sample.dataset.sample;
  };
  tag.addEventListener("input", draw);
  draw();
}

// A colour is picked or typed; both say the same.
for (const pick of document.querySelectorAll("[data-colour]")) {
  const field = pick.form.elements[pick.dataset.colour];
  pick.addEventListener("input", () => { field.value = pick.value; });
  field.addEventListener("input", () => { if (/^#[0-9a-f]{6}$/i.test(field.value)) pick.value = field.value.toLowerCase(); });
}

// A filter answers as soon as something is chosen.
document.querySelector("[data-auto]")?.addEventListener("change", (e) => {
  if (e.target.matches("select, [type=checkbox]")) e.currentTarget.requestSubmit();
});
