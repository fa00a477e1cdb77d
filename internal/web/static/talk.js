// The bubbles of the open thread: in the order in which things happened, a line
// at each new day, and the place where she reads kept.
import { parse } from "./rows.js";

const CLOSE = 60e6; // microseconds: bubbles of one voice stand together
const NEAR = 90; // pixels from the end that count as the end

/** talk looks after one stream; newest() leaves a stream that opened in the past. */
export function talk(stream, jump, newest) {
  let pinned = true, top = 0;

  const atEnd = () => stream.scrollHeight - stream.scrollTop - stream.clientHeight < NEAR;
  const toEnd = () => {
    stream.scrollTop = stream.scrollHeight;
    top = stream.scrollTop;
    pinned = true;
    jump.hidden = true;
  };
  stream.addEventListener("scroll", () => {
    // Only she unpins it, by scrolling up; what grows beneath does not.
    if (atEnd()) pinned = !gap();
    else if (stream.scrollTop < top - 2) pinned = false;
    top = stream.scrollTop;
    if (pinned) jump.hidden = true;
  }, { passive: true });
  const gap = () => stream.querySelector(":scope > [data-newer]"); // what follows is not on the page
  jump.addEventListener("click", () => gap() ? newest() : toEnd());
  const sizes = new ResizeObserver(() => pinned && toEnd());
  sizes.observe(stream);
  stream.addEventListener("load", () => pinned && toEnd(), true); // a picture without a known size

  const lines = () => [...stream.querySelectorAll(":scope > [data-at]")];
  const before = (a, b) => Number(a.dataset.at) - Number(b.dataset.at) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

  function insert(el) {
    let last = stream.lastElementChild;
    while (last && (!last.dataset.at || before(el, last) < 0)) last = last.previousElementSibling;
    if (last) last.after(el);
    else stream.append(el);
  }

  // arrange draws the lines between days and moves bubbles of one voice together.
  function arrange() {
    for (const day of stream.querySelectorAll(":scope > .day")) day.remove();
    let day = "", prev = null;
    for (const el of lines()) {
      if (el.dataset.day && el.dataset.day !== day) {
        day = el.dataset.day;
        const line = document.createElement("div");
        line.className = "day";
        line.dataset.day = day;
        line.setAttribute("role", "separator");
        line.append(Object.assign(document.createElement("span"), { textContent: el.dataset.dayName }));
        el.before(line);
        prev = null;
      }
      const speaks = el.classList.contains("message");
      if (speaks) {
        const joined = prev && prev.dataset.voice && prev.dataset.voice === el.dataset.voice && !("quoting" in el.dataset) &&
          el.dataset.at - prev.dataset.at < CLOSE && !prev.classList.contains("message-failed");
        el.classList.toggle("message-joined", Boolean(joined));
      }
      prev = speaks ? el : null;
    }
  }

  return {
    toEnd,
    toMessage(el) {
      pinned = false;
      el.scrollIntoView({ block: "center" });
      top = stream.scrollTop;
      el.classList.add("message-shown");
      setTimeout(() => el.classList.remove("message-shown"), 1600);
    },
    // apply puts a bubble from the server in its place: instead of an older
    // drawing of it, instead of the one drawn before it was sent, or anew.
    apply(html) {
      const el = parse(html);
      const key = el.dataset.key;
      const waiting = key && stream.querySelector(`[data-pending="${CSS.escape(key)}"]`);
      const old = document.getElementById(el.id);
      const stay = pinned;
      if (waiting && old) waiting.remove();
      // The answer to a request may come after the news of what followed from it.
      if (old && Number(old.dataset.seq) > Number(el.dataset.seq)) {
        arrange();
        return { el: old, fresh: false };
      }
      const first = old ?? waiting;
      const oldest = lines()[0];
      if (!first && oldest && before(el, oldest) < 0 && stream.querySelector(":scope > [data-older]")) return { el, fresh: false }; // so does this
      if (!first && gap()) { // it comes in its turn
        jump.hidden = false;
        return { el, fresh: true };
      }
      if (first && first.dataset.at === el.dataset.at) first.replaceWith(el);
      else {
        first?.remove();
        insert(el);
      }
      arrange();
      if (stay) toEnd();
      else if (!first && el.classList.contains("message-in")) jump.hidden = false;
      return { el, fresh: !first };
    },
    // pend shows a bubble that is on its way; it stands last until it is real.
    pend(el) {
      el.dataset.at = Number.MAX_SAFE_INTEGER;
      insert(el);
      toEnd();
    },
    // older puts what was said before at the top, without a jump.
    older(html) {
      const height = stream.scrollHeight, top = stream.scrollTop;
      const box = document.createElement("template");
      box.innerHTML = html;
      for (const el of [...box.content.children]) if (el.id && document.getElementById(el.id)) el.remove();
      stream.prepend(box.content);
      arrange();
      stream.scrollTop = top + stream.scrollHeight - height;
    },
    // newer puts what was said next where its button stood.
    newer(html, button) {
      const box = document.createElement("template");
      box.innerHTML = html;
      for (const el of [...box.content.children]) if (el.id && document.getElementById(el.id)) el.remove();
      button.replaceWith(box.content);
      arrange();
      pinned = false;
    },
    last: () => lines().at(-1),
    end: () => sizes.disconnect(),
  };
}
