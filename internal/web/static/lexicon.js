// The editor of a lexicon: line numbers, the caret where something is wrong, and
// nothing typed is lost by leaving the page.
const form = document.querySelector("[data-lexicon]");
const area = form?.querySelector(".code-area");

if (area) {
  const gutter = form.querySelector(".gutter");
  let lines = 0;
  const count = () => {
    const now = area.value.split("\n").length;
    if (now === lines) return;
    lines = now;
    gutter.textContent = Array.from({ length: lines }, (_, i) => i + 1).join("\n") + "\n\n";
  };
  const scroll = () => { gutter.scrollTop = area.scrollTop; };
  area.addEventListener("input", count);
  area.addEventListener("scroll", scroll, { passive: true });
  count();
  scroll();
  if (area.dataset.line) go(Number(area.dataset.line));

  const began = area.value;
  let leaves = false;
  form.addEventListener("submit", (e) => { leaves = !e.submitter?.hasAttribute("hx-post"); });
  addEventListener("beforeunload", (e) => {
    if (!leaves && !area.readOnly && area.value !== began) e.preventDefault();
  });
  // A tab indents, as in every editor of code; Escape first lets it move on.
  let out = false;
  area.addEventListener("keydown", (e) => {
    if (e.key === "Escape") { out = true; return; }
    if (e.key === "Tab" && !e.shiftKey && !out && !area.readOnly) {
      e.preventDefault();
      area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
    }
    out = false;
  });
}

// go marks a line and brings it before her eyes.
function go(line) {
  const all = area.value.split("\n");
  const at = Math.min(Math.max(line, 1), all.length) - 1;
  const start = all.slice(0, at).reduce((n, text) => n + text.length + 1, 0);
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, start + all[at].length);
  const height = parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (at - 6) * height);
  area.scrollLeft = 0;
  area.scrollIntoView({ block: "center" });
}

document.addEventListener("click", (e) => {
  const button = e.target.closest("[data-goto]");
  if (button && area) go(Number(button.dataset.goto));
});
