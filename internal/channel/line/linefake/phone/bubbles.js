// One message becomes one row. Data only ever enters the page as text nodes
// and checked addresses.

import { say, locale } from "./words.js";

/** stickers maps LINE's sticker numbers to the drawings of this folder. */
export const stickers = Array.from({ length: 8 }, (_, i) => ({
  packageId: "11537",
  stickerId: String(52002734 + i),
  picture: `stickers/${i + 1}.svg`,
}));

/** make builds an element: make("p.quiet", {id: "x"}, child, "text"). */
export function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const el = document.createElement(tag);
  if (classes.length) el.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) el.setAttribute(name, "");
    else if (value !== false && value != null) el.setAttribute(name, value);
  }
  el.append(...children.filter((c) => c != null));
  return el;
}

/** icon draws one of the symbols of the page. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svg.namespaceURI, "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

/** avatar is a picture, or the first letter on a colour that stays the same. */
export function avatar(el, { name = "", picture }) {
  const src = address(picture);
  el.replaceChildren(src ? make("img", { src, alt: "" }) : [...name.trim()][0]?.toUpperCase() ?? "");
  let sum = 0;
  for (const c of name) sum = (sum * 31 + c.codePointAt(0)) % 997;
  el.dataset.tint = String(sum % 5);
  return el;
}

/** address lets web addresses through, and nothing that could run. */
export function address(url) {
  if (!url) return "";
  try {
    const parsed = new URL(url, location.href);
    return ["http:", "https:", "blob:"].includes(parsed.protocol) ? parsed.href : "";
  } catch {
    return "";
  }
}

const clockTime = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
const longDay = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", weekday: "short" });

/** dayOf names a day the way a chat does. */
export function dayOf(at) {
  const day = new Date(at), now = new Date();
  const before = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (day.toDateString() === now.toDateString()) return say("today");
  if (day.toDateString() === before.toDateString()) return say("yesterday");
  return longDay.format(day);
}

export function clock(ms) {
  const seconds = Math.max(0, Math.round((ms || 0) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** gist says in a few words what a message is, for quotes and for the ear. */
export function gist(message) {
  return message.text || message.name || say(message.type);
}

// Links are found by their scheme alone and stop before closing punctuation.
function linked(text) {
  const out = document.createDocumentFragment();
  let rest = 0;
  for (const hit of text.matchAll(/https?:\/\/[^\s<>"'\u3000-\u303f\uff00-\uff0f\uff1a-\uff20]+/g)) {
    const href = hit[0].replace(/[.,;:!?)\]}]+$/, "");
    if (!address(href)) continue;
    out.append(text.slice(rest, hit.index));
    out.append(make("a", { href, target: "_blank", rel: "noopener noreferrer" }, href));
    rest = hit.index + href.length;
  }
  out.append(text.slice(rest));
  return out;
}

function voice(message, src) {
  const total = clock(message.duration);
  const sound = new Audio();
  sound.preload = "none";
  sound.src = src;
  const bar = make("progress", { max: "1", value: "0", "aria-hidden": "true" });
  const time = make("span.time", {}, total);
  const button = make("button.play", { type: "button" }, icon("play"));
  const show = (playing) => {
    button.replaceChildren(icon(playing ? "pause" : "play"));
    button.setAttribute("aria-label", say(playing ? "pause" : "play", { time: total }));
  };
  button.addEventListener("click", () => (sound.paused ? sound.play().catch(() => show(false)) : sound.pause()));
  sound.addEventListener("play", () => show(true));
  sound.addEventListener("pause", () => show(false));
  sound.addEventListener("ended", () => { bar.value = 0; time.textContent = total; });
  sound.addEventListener("timeupdate", () => {
    const length = Number.isFinite(sound.duration) ? sound.duration : (message.duration || 0) / 1000;
    bar.value = length ? Math.min(1, sound.currentTime / length) : 0;
    if (sound.currentTime > 0) time.textContent = clock(sound.currentTime * 1000);
  });
  show(false);
  return make("div.bubble.voice", {}, button, bar, time);
}

function content(message) {
  const src = address(message.url);
  switch (message.type) {
    case "image":
      return make("a.picture", { href: src, target: "_blank", rel: "noopener noreferrer" },
        make("img", { src, alt: message.name || say("image"), loading: "lazy" }));
    case "video":
      return make("video.picture", { src, controls: true, preload: "metadata", playsinline: true });
    case "audio":
      return voice(message, src);
    case "sticker": {
      const drawn = stickers.find((s) => s.stickerId === String(message.stickerId));
      const picture = drawn?.picture ?? src;
      if (picture) return make("img.sticker", { src: picture, alt: say("sticker") });
      return make("div.bubble", {}, `[${say("sticker")}]`);
    }
    case "file":
      return make("a.bubble.file", { href: src, download: message.name || true }, icon("file"),
        make("span", {}, message.name || say("file")));
    case "location":
      return make("div.bubble.file", {}, icon("pin"), make("span", { dir: "auto" }, message.text || message.name || say("location"),
        message.address ? make("small", {}, message.address) : null));
    default:
      return make("div.bubble", { dir: "auto" }, linked(message.text ?? ""));
  }
}

/** row draws a message; view says who the account is and what is quoted. */
export function row(message, { account, first, quoted, onActions }) {
  const mine = message.from === "me";
  if (message.unsent) {
    return make("p.notice", {}, say(mine ? "unsentMe" : "unsentThem", { name: account.name }));
  }
  const body = make("div.body", {}, content(message));
  if (quoted) {
    const bubble = body.querySelector(".bubble") ?? body;
    bubble.prepend(make("span.quote", { dir: "auto" }, gist(quoted)));
  }
  const meta = make("div.meta", {});
  if (message.sending) meta.append(make("span", {}, say("sending")));
  else {
    if (mine && message.read) meta.append(make("span", {}, say("read")));
    meta.append(make("time", { datetime: new Date(message.at).toISOString() }, clockTime.format(new Date(message.at))));
  }
  const el = make(`div.row.${mine ? "mine" : "theirs"}`, { "data-first": first }, body, meta);
  if (!mine) el.prepend(avatar(make("span.avatar", { "aria-hidden": "true" }), first ? account : {}));
  if (mine && !message.sending) {
    const dots = make("button.dots", { type: "button", "aria-label": say("actions"), "aria-haspopup": "true" }, icon("dots"));
    dots.addEventListener("click", () => onActions(message, dots));
    el.append(dots);
    held(body, () => onActions(message, body));
  }
  return el;
}

// held answers a right-click or a long press; iOS sends no contextmenu, so the
// press is timed here.
function held(el, then) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  el.addEventListener("contextmenu", (e) => { e.preventDefault(); stop(); then(); });
  el.addEventListener("pointerdown", (e) => { if (e.pointerType === "touch") timer = setTimeout(then, 550); });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) el.addEventListener(end, stop);
}
