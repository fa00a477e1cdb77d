// The page of the product. This file ties the parts together: list, thread,
// composer, outbox and the stream of what happens.
import { t } from "./words.js";
import { tick, toast } from "./app.js";
import { live } from "./live.js";
import { adopt, once, parse, put } from "./rows.js";
import { talk } from "./talk.js";
import { writer } from "./write.js";
import { outbox } from "./outbox.js";
import { patch, pressed, renew, sending } from "./card.js";
import { count, ding, retitle } from "./ding.js";

const { htmx } = window;
const main = document.getElementById("main");
const { me } = main.dataset;
const chats = main.dataset.chat === "true";
const announce = document.getElementById("announce");
const $ = (id) => document.getElementById(id);
let open = null; // { id, stream, writing } of the thread beside the list

// --- what is on its way ---

const post = outbox({
  me,
  changed: (item) => open?.id === item.thread && drawPending(item),
  sent(item, html) {
    if (item.url) setTimeout(() => URL.revokeObjectURL(item.url), 60000);
    if (open?.id !== item.thread) return;
    if (html) open.stream.apply(html);
    else open.el.querySelector(`[data-pending="${CSS.escape(item.key)}"]`)?.remove(); // it is planned
  },
});

function drawPending(item) {
  let el = open.el.querySelector(`[data-pending="${CSS.escape(item.key)}"]`);
  if (!el) {
    el = $("pending-bubble").content.firstElementChild.cloneNode(true);
    el.dataset.pending = item.key;
    const bubble = el.querySelector(".bubble");
    if (item.file) {
      bubble.className = "bubble bubble-file";
      bubble.replaceChildren(pendingFile(item, bubble));
    } else bubble.querySelector("p").textContent = item.text;
    el.querySelector("[data-again]").addEventListener("click", () => post.again(item.key));
    el.querySelector("[data-discard]").addEventListener("click", () => {
      post.discard(item.key);
      el.remove();
    });
    open.stream.pend(el);
  }
  const failed = item.state === "failed";
  el.classList.toggle("message-failed", failed);
  el.querySelector(".message-foot").hidden = failed;
  el.querySelector(".status span").textContent =
    item.state === "waiting" ? t("waiting") : item.part > 0 && item.part < 1 ? t("uploading", { n: Math.round(item.part * 100) }) : t("sending");
  const why = el.querySelector(".message-why");
  why.hidden = !failed;
  why.querySelector("span").textContent = item.error || t("failed");
  const bar = el.querySelector("progress");
  if (bar) {
    bar.hidden = failed;
    bar.value = item.part ?? 0;
  }
}

function pendingFile(item, bubble) {
  const box = document.createElement("span");
  box.className = "pending-file";
  if (item.file.type.startsWith("image/")) {
    bubble.className = "bubble bubble-image";
    item.url ??= URL.createObjectURL(item.file);
    box.append(Object.assign(new Image(), { src: item.url, alt: item.name }));
  } else box.append(Object.assign(document.createElement("b"), { textContent: item.name }));
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  bar.className = "meter";
  box.append(bar);
  return box;
}

// --- the open thread ---

function begin() {
  const el = $("thread");
  if (!el.dataset.thread) {
    open = null;
    return;
  }
  const id = el.dataset.thread;
  const stream = talk($("stream"), $("jump"), () => location.assign("/inbox/" + id));
  open = { id, el, stream };
  open.writing = writer({ thread: id, el, me, say: (item) => post.add(item) });
  for (const item of post.of(id)) drawPending(item);
  watchOlder(el);
  tickFree();
  const { goal } = $("stream").dataset;
  if (goal && $(goal)) {
    stream.toMessage($(goal));
    watchNewer(el);
  } else stream.toEnd();
  seen();
}

function end() {
  open?.writing.end();
  open?.stream.end();
  open = null;
}

let wanted = 0; // only the thread she tapped last may appear

async function show(id, push) {
  if (open?.id === id) {
    main.dataset.show = "thread";
    if (push) history.pushState({ opened: true }, "", address(id));
    return;
  }
  const ticket = ++wanted;
  main.dataset.show = "thread";
  for (const row of document.querySelectorAll(".thread-row")) row.toggleAttribute("aria-current", false);
  $("row-" + id)?.setAttribute("aria-current", "true");
  const slow = setTimeout(() => ticket === wanted && $("thread").classList.add("opening"), 120);
  try {
    const answer = await fetch("/inbox/" + id, { headers: { "HX-Request": "true", Accept: "text/html" } });
    if (ticket !== wanted) return;
    if (!answer.ok) throw new Error(answer.status);
    const box = document.createElement("template");
    box.innerHTML = await answer.text();
    if (ticket !== wanted) return;
    end();
    const [thread, card] = box.content.children;
    $("thread").replaceWith(thread);
    $("card").replaceWith(card);
    htmx.process(thread);
    htmx.process(card);
    if (push) history.pushState({ opened: true }, "", address(id));
    retitle(thread.getAttribute("aria-label") + " · Dingdong");
    begin();
    stream.watch(id);
    if (!matchMedia("(pointer: coarse)").matches) $("text")?.focus();
  } catch {
    location.assign(address(id)); // the browser shows what is the matter
  } finally {
    clearTimeout(slow);
    $("thread").classList.remove("opening");
  }
}

function leave() {
  wanted++;
  end();
  const none = $("nobody").content.cloneNode(true);
  $("thread").replaceWith(none.querySelector("#thread"));
  $("card").replaceWith(none.querySelector("#card"));
  main.dataset.show = "list";
  for (const row of document.querySelectorAll(".thread-row[aria-current]")) row.removeAttribute("aria-current");
  retitle(t("inbox_title") + " · Dingdong");
  stream.watch("");
}

const query = () => {
  const { box, q, closed } = $("list-body").dataset;
  const p = new URLSearchParams({ box });
  if (q) p.set("q", q);
  if (closed === "true") p.set("closed", "1");
  return "?" + p;
};
const address = (id) => (id ? "/inbox/" + id : "/inbox") + query();

window.addEventListener("popstate", () => {
  const id = location.pathname.split("/")[2];
  if (id) show(id, false);
  else leave();
});

document.addEventListener("click", (e) => {
  const row = e.target.closest(".thread-row");
  if (row && !e.metaKey && !e.ctrlKey && !e.shiftKey && e.button === 0) {
    e.preventDefault();
    show(row.dataset.thread, true);
  }
  if (e.target.closest("[data-back]")) {
    e.preventDefault();
    if (history.state?.opened) return history.back();
    history.replaceState({}, "", address(""));
    leave();
  }
  if (e.target.closest("[data-card]")) main.dataset.show = "card";
  if (e.target.closest("[data-card-close]")) main.dataset.show = "thread";
  const look = e.target.closest("[data-look]");
  if (look && !e.metaKey && !e.ctrlKey) {
    e.preventDefault();
    const box = $("lightbox");
    box.querySelector("img").src = look.href;
    box.showModal();
  }
  const jump = e.target.closest("[data-jump]");
  if (jump) {
    e.preventDefault();
    const goal = document.querySelector(jump.getAttribute("href"));
    if (goal) open.stream.toMessage(goal);
  }
  const older = e.target.closest("[data-older]");
  if (older) fetchOlder(older);
  const newer = e.target.closest("[data-newer]");
  if (newer) fetchNewer(newer);
  const again = e.target.closest("[data-resend]");
  if (again) resend(again);
  const undo = e.target.closest("[data-undo]");
  if (undo) undoTag(undo);
});

async function resend(button) {
  const { id, stream } = open;
  button.disabled = true;
  try {
    const answer = await fetch(button.dataset.resend, { method: "POST", headers: { Accept: "text/html, application/json" } });
    if (answer.ok) {
      const html = await answer.text();
      if (open?.id === id) stream.apply(html);
      return;
    }
    const said = await answer.json().catch(() => ({}));
    toast(said.error || t("failed"), "bad");
  } catch {
    toast(t("no_network"), "bad");
  }
  button.disabled = false;
}

// undoTag takes away what her words were wrongly read for: the card says so and can put
// it back, and the bubble is told anew. The library would keep the last of several taps.
async function undoTag(button) {
  const { id } = open;
  button.disabled = true;
  try {
    const answer = await fetch(button.dataset.undo, { method: "POST", headers: { "HX-Request": "true", Accept: "text/html" } });
    if (answer.ok) {
      const html = await answer.text();
      if (open?.id !== id || !$("card-tags")) return;
      if (sending("card-tags")) renew(id, ["tags"], () => open?.id === id);
      else patch($("card-tags"), html, button);
      return;
    }
    toast(t("failed"), "bad");
  } catch {
    toast(t("no_network"), "bad");
  }
  button.disabled = false;
}

function watchOlder(el) {
  const button = el.querySelector("[data-older]");
  if (!button) return;
  const near = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    near.disconnect();
    fetchOlder(button);
  }, { root: $("stream"), rootMargin: "400px 0px 0px" });
  // The thread opens at its end; only then is it known what is out of sight.
  requestAnimationFrame(() => near.observe(button));
}

async function fetchOlder(button) {
  if (button.disabled) return;
  button.disabled = true;
  const { id, stream, el } = open;
  try {
    const answer = await fetch(button.dataset.older, { headers: { "HX-Request": "true", Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.status);
    const html = await answer.text();
    if (open?.id !== id) return;
    button.remove();
    stream.older(html);
    watchOlder(el);
  } catch {
    button.disabled = false; // she can tap it
  }
}

function watchNewer(el) {
  const button = el.querySelector("[data-newer]");
  if (!button) return;
  const near = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    near.disconnect();
    fetchNewer(button);
  }, { root: $("stream"), rootMargin: "0px 0px 200px" });
  requestAnimationFrame(() => near.observe(button));
}

async function fetchNewer(button) {
  if (button.disabled) return;
  button.disabled = true;
  const { id, stream, el } = open;
  try {
    const answer = await fetch(button.dataset.newer, { headers: { "HX-Request": "true", Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.status);
    const html = await answer.text();
    if (open?.id !== id) return;
    stream.newer(html, button);
    watchNewer(el);
  } catch {
    button.disabled = false; // she can tap it
  }
}

// --- seen ---

let seeing = 0;
function seen() {
  clearTimeout(seeing);
  if (!open || !chats || document.visibilityState !== "visible" || main.dataset.show === "list" && matchMedia("(max-width: 699.98px)").matches) return;
  const { id } = open;
  seeing = setTimeout(() => fetch(`/inbox/${id}/seen`, { method: "POST" }).catch(() => {}), 500);
}
document.addEventListener("visibilitychange", seen);

// --- the list ---

htmx.config.defaultSwapStyle = "outerHTML";
document.addEventListener("htmx:afterSwap", (e) => {
  const { target } = e.detail;
  if (target.closest?.("#thread-top") || target.id === "thread-top") tickFree();
  if (!$("list-body")) return;
  once($("list-body"));
  if (target.id === "list" || target.id === "list-body") {
    tick();
    if (open) $("row-" + open.id)?.setAttribute("aria-current", "true");
    history.replaceState(history.state, "", address(open?.id ?? ""));
  }
});
// A dialog whose form was taken closes.
document.addEventListener("htmx:afterRequest", (e) => {
  const { closes } = e.detail.elt.dataset ?? {};
  if (closes && e.detail.successful) {
    $(closes)?.close();
    e.detail.elt.reset?.();
  }
});

// --- the time in which an answer is free ---

function tickFree() {
  for (const el of document.querySelectorAll("[data-until]")) {
    const left = Math.ceil(Number(el.dataset.until) - Date.now() / 1000);
    if (left <= 0) {
      el.remove();
      continue;
    }
    const show = el.querySelector("[data-left]");
    show.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
  }
}
setInterval(tickFree, 1000);

// --- who else is here ---

function present({ thread, here }) {
  const line = $("presence");
  if (!line || thread !== open?.id) return;
  const others = here.filter((p) => p.id !== me && !p.customer);
  const typing = others.filter((p) => p.typing);
  const named = (people) => ({ n: people.length, names: people.map((p) => p.name).join(t("and")) });
  const customer = here.some((p) => p.customer && p.typing);
  line.textContent = typing.length ? t("answering", named(typing)) : customer ? t("customer_typing") : others.length ? t("looking", named(others)) : "";
  line.classList.toggle("quiet", !typing.length);
  line.hidden = !line.textContent;
}

// --- what happens ---

const afresh = {}; // parts of the page that are being fetched again
function refresh(part, go, busy) {
  clearTimeout(afresh[part]);
  afresh[part] = setTimeout(() => (busy() ? refresh(part, go, busy) : go()), busy() ? 1000 : 150);
}
function partOf(name, target, source) {
  return function go() {
    if (!open || !$(target)) return;
    const { id } = open;
    // Of those who wait for an answer the library keeps the last: each part has its own source.
    htmx.ajax("GET", `/inbox/${id}/${name}`, { source, target: "#" + target, swap: "outerHTML" })
      .catch(() => setTimeout(() => open?.id === id && go(), 2000)); // no network, and the stream tells nothing twice
  };
}
// What was asked about one conversation is not drawn into another that she has
// opened meanwhile: the piece for the composer would find its place there too. And
// nothing is drawn under her finger.
document.addEventListener("htmx:beforeRequest", ({ detail: { xhr, pathInfo } }) => {
  const of = pathInfo.requestPath.match(/^\/inbox\/(thr_\w+)\//)?.[1];
  if (!of) return;
  const draw = xhr.onload;
  xhr.onload = function land() {
    if (pressed()) return setTimeout(land, 50);
    if (of === open?.id || xhr.status >= 400) draw();
  };
});

async function everythingAnew() {
  if (open) return location.reload();
  htmx.ajax("GET", address(""), { target: "#list", swap: "outerHTML" });
}

let offline = 0;
const stream = live({
  after: Number(main.dataset.seq),
  state(up) {
    if (up) {
      clearTimeout(offline);
      offline = 0;
      $("offline").hidden = true;
      post.flush();
    } else offline ||= setTimeout(() => ($("offline").hidden = false), 3000);
  },
  handlers: {
    row({ html }) {
      const row = parse(html);
      put($("list-body"), row, me, open?.id);
      tick(row.parentNode ? row : undefined);
    },
    gone: ({ thread }) => $("row-" + thread)?.remove(),
    erased({ thread }) {
      $("row-" + thread)?.remove();
      if (open?.id === thread) location.replace("/inbox"); // her words stand on this page
    },
    message({ thread, html }) {
      if (open?.id !== thread) return;
      const { el, fresh } = open.stream.apply(html);
      if (!fresh || !el.classList.contains("message-in")) return;
      seen();
      setTimeout(renew, 1200, thread, ["offers"], () => open?.id === thread); // when her words were read
    },
    head: () => refresh("head", partOf("head", "thread-top", "#thread"), () => Boolean(document.querySelector("#thread-top details[open]"))),
    card: ({ thread, parts }) => renew(thread, parts, () => open?.id === thread),
    presence: present,
    counts(n) {
      for (const el of document.querySelectorAll("[data-count]")) {
        el.textContent = n[el.dataset.count];
        el.hidden = !n[el.dataset.count];
      }
      count(n.mine + n.unassigned);
    },
    ding({ threads }) {
      const before = document.hasFocus() && document.visibilityState === "visible" ? open?.id : "";
      const news = threads.filter((id) => id !== before);
      if (!news.length) return;
      ding();
      const name = $("row-" + news[0])?.querySelector(".row-name")?.textContent;
      if (name) announce.textContent = t("new_from", { name });
    },
    reload: everythingAnew,
    signed_out: () => location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search)),
  },
});

for (const row of document.querySelectorAll(".thread-row")) adopt(row, me);
count(Number($("unread")?.textContent) || 0);
begin();
tick();
if (open) stream.watch(open.id);
else stream.start();
