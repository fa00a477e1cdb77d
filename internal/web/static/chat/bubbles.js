// One message becomes one row. What others wrote enters the page only as text
// and as addresses that cannot run code.

import { make, icon } from "./element.js";
import { ownPage, pieces, webAddress } from "./links.js";

/** drawer makes rows in one language. */
export function drawer({ say, language }) {
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false });
  const longDay = new Intl.DateTimeFormat(language, { weekday: "short", month: "short", day: "numeric" });

  const words = (text) => pieces(text).map((p) => typeof p === "string" ? p
    : make("a", { href: p.href, target: "_blank", rel: "noopener noreferrer" }, ownPage(p.href, location.origin) ? say("ownPage") : p.href));

  function picture(message, src) {
    const shown = webAddress(message.preview, location.href) || src;
    // Width and height are said beforehand, so that nothing jumps.
    const image = make("img", { src: shown, alt: message.name || say("image"), width: message.width || null, height: message.height || null, loading: "lazy", decoding: "async" });
    if (!src) return make("div.media", {}, image);
    return make("a.media", { href: src, target: "_blank", rel: "noopener noreferrer" }, image);
  }

  function content(message) {
    const src = webAddress(message.url, location.href);
    switch (message.type) {
      case "unsent":
        return make("div.bubble.gone", {}, say("unsent"));
      case "image":
        return picture(message, src);
      case "sticker":
        return src ? make("img.sticker", { src, alt: message.text || say("sticker") }) : make("div.bubble", {}, message.text || say("sticker"));
      case "video":
        return make("video.media", { src, controls: true, preload: "metadata", playsinline: true });
      case "audio":
        return make("audio.voice", { src, controls: true, preload: "none", "aria-label": say("audio") });
      case "file":
        return make("a.bubble.file", { href: src || null, target: "_blank", rel: "noopener noreferrer" }, icon("file"),
          make("span", { dir: "auto" }, message.name || say("file"), message.size ? make("small", {}, size(message.size)) : null));
      case "location":
        return make(src ? "a.bubble.file" : "div.bubble.file", src ? { href: src, target: "_blank", rel: "noopener noreferrer" } : {},
          icon("pin"), make("span", { dir: "auto" }, message.text || message.name || say("location")));
      default:
        return make("div.bubble", { dir: "auto" }, ...words(message.text || say("other")));
    }
  }

  function size(bytes) {
    const [n, unit] = bytes >= 1e6 ? [bytes / 1e6, "megabyte"] : [Math.max(1, bytes / 1e3), "kilobyte"];
    return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: n < 10 ? 1 : 0 }).format(n);
  }

  return {
    /** gist is what a message says to the ear. */
    gist: (message) => message.text || (message.type === "unsent" ? say("unsent") : message.name || say(message.type in gists ? message.type : "other")),

    /** day names a date the way people do. */
    day(at) {
      const day = new Date(at).toDateString(), now = new Date();
      const before = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
      if (day === now.toDateString()) return say("today");
      if (day === before.toDateString()) return say("yesterday");
      return longDay.format(new Date(at));
    },

    /** row draws a confirmed message; last says that its state is to be shown. */
    row(message, { first, last }) {
      const at = new Date(message.at);
      const foot = make("p.foot", {});
      if (message.from === "automation") foot.append(say("automatic"), " · ");
      if (message.from === "visitor" && last && ["sent", "delivered", "read"].includes(message.status)) foot.append(say(message.status), " · ");
      foot.append(make("time", { datetime: at.toISOString() }, clock.format(at)));
      const author = first && message.from !== "visitor" && message.author;
      return make("div.row." + message.from, { "data-first": first },
        author ? make("p.author", { dir: "auto" }, author) : null, content(message), last ? foot : null);
    },

    /** draft draws what is still on its way, with what can be done about it. */
    draft(item, { onRetry, onDiscard }) {
      const body = item.text != null ? make("div.bubble", { dir: "auto" }, ...words(item.text))
        : content({ type: item.picture ? "image" : "file", name: item.name, size: item.file.size, url: item.picture });
      const foot = make("p.foot", {});
      if (item.state === "failed") foot.append(make("span.bad", {}, say("failed", { why: item.why })));
      else if (item.state === "waiting") foot.append(say("waiting"));
      else foot.append(make("span.percent", {}, say("sending")));
      if (item.state === "failed") foot.append(make("button.link", { type: "button", onclick: onRetry }, say("retry")));
      if (item.state === "failed" || item.file) {
        foot.append(make("button.link", { type: "button", onclick: onDiscard }, say(item.state === "failed" ? "discard" : "cancel")));
      }
      const bar = item.file && item.state === "sending"
        ? make("progress", { max: "100", value: "0", "aria-label": item.name }) : null;
      return make("div.row.visitor.draft", { "data-first": true }, body, bar, foot);
    },

    /** progress moves an upload's bar without drawing the row anew: its button may hold the focus. */
    progress(el, item) {
      const bar = el.querySelector("progress");
      if (!bar || !item.progress) return;
      bar.value = Math.round(item.progress * 100);
      el.querySelector(".percent").textContent = say("uploading", { percent: bar.value });
    },
  };
}

const gists = { image: 1, video: 1, audio: 1, file: 1, location: 1, sticker: 1 };
