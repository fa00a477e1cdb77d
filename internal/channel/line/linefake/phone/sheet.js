// What a phone does with the code on a card: LINE's own links open a page inside
// LINE, or the chat with words typed in.

import * as api from "./api.js";
import { say } from "./words.js";
import { make, icon } from "./bubbles.js";

/** target reads a card's link: {page}, {text} or {} when it is not this account's. */
export function target(link, account) {
  let url;
  try {
    url = new URL(link.trim());
  } catch {
    return {};
  }
  if (url.origin === "https://liff.line.me") {
    const [, id, ...rest] = url.pathname.split("/");
    if (!id || id !== account.liffId || !account.liffPage) return {};
    const page = new URL(account.liffPage);
    const state = (rest.length ? "/" + rest.join("/") : "") + url.search + url.hash;
    if (state) page.searchParams.set("liff.state", state);
    return { page: page.href };
  }
  if (url.origin === "https://line.me" && url.pathname.startsWith("/R/oaMessage/")) {
    const to = decode(url.pathname.slice("/R/oaMessage/".length).replace(/\/$/, ""));
    return to === account.basicId ? { text: decode(url.search.slice(1)) } : {};
  }
  return {};
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** choices lists the cards at the counters and takes a pasted link. */
export function choices(scan) {
  const list = make("div.cards", {});
  const field = make("input", { type: "url", required: true, placeholder: say("cardLink"), "aria-label": say("cardLink"), inputmode: "url" });
  const form = make("form.newcomer", { autocomplete: "off" }, field, make("button.pill.strong", { type: "submit" }, say("scanGo")));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    scan(field.value);
  });
  const waiting = make("p.quiet", { role: "status" }, say("cardsLoading"));
  list.append(waiting);
  api.cards().then((cards) => {
    waiting.remove();
    list.append(...cards.map((card) => {
      const el = make("button.lying", { type: "button" }, icon("scan"), make("span", { dir: "auto" }, card.name));
      el.addEventListener("click", () => scan(card.link));
      return el;
    }));
    if (!cards.length) list.append(make("p.quiet", {}, say("cardsNone")));
  }, () => { waiting.textContent = say("cardsNone"); });
  return [make("h2.tray-title", {}, say("cardsHere")), list, form];
}

/** open shows a page in the browser sheet; who gives the person's id
 * token and whether she is a friend; onOpen takes an address that the page opens. */
export function open(page, { who, onOpen, onClose }) {
  const sheet = make("dialog.sheet", { "aria-label": say("sheet") });
  const shut = make("button.tool", { type: "button", "aria-label": say("close"), title: say("close") }, icon("close"));
  const frame = make("iframe", { title: say("sheet"), src: page, referrerpolicy: "origin" });
  sheet.append(make("div.sheet-bar", {}, make("span.sheet-address", { dir: "ltr" }, new URL(page).host), shut), frame);
  const origin = new URL(page).origin;
  async function hear(e) {
    if (e.source !== frame.contentWindow || e.origin !== origin) return;
    if (e.data?.liff === "init") {
      const mine = await who();
      frame.contentWindow?.postMessage({ liff: "token", ...mine }, origin);
    }
    if (e.data?.liff === "open") {
      sheet.close();
      onOpen(String(e.data.url));
    }
    if (e.data?.liff === "close") sheet.close();
  }
  addEventListener("message", hear);
  shut.addEventListener("click", () => sheet.close());
  sheet.addEventListener("close", () => {
    removeEventListener("message", hear);
    sheet.remove();
    onClose();
  });
  document.querySelector(".screen").append(sheet);
  sheet.show();
  shut.focus();
  sheet.addEventListener("keydown", (e) => { if (e.key === "Escape") sheet.close(); });
}
