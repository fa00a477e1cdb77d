// The page around the chat. Inside a shop it is the widget, which keeps the
// token in the shop's own storage; opened by itself, the chat keeps it here.
// Both sides check the other's origin, and the words are few: see README.md.

import { store } from "./store.js";

/** framed tells whether the chat stands inside another page. */
export const framed = window.parent !== window;

/** greet waits for the widget (or does not) and gives {token, open, focus, tell}. */
export function greet({ account, onOpen }) {
  if (!framed) {
    const key = "dingdong:token:" + account;
    const tell = (word, more) => {
      if (word === "token") store.set(key, more.token);
      if (word === "unread") document.title = document.title.replace(/^(\(\d+\) )?/, more.count ? `(${more.count}) ` : "");
    };
    return Promise.resolve({ token: store.get(key) ?? "", open: true, focus: false, tell });
  }
  const allowed = (document.body.dataset.origins ?? "").split(/\s+/);
  return new Promise((greeted) => {
    addEventListener("message", (e) => {
      if (e.source !== window.parent || !allowed.includes(e.origin)) return;
      const { dingdong: word, token, open, focus } = e.data ?? {};
      if (word === "hello") {
        const tell = (said, more) => window.parent.postMessage({ dingdong: said, ...more }, e.origin);
        greeted({ token: typeof token === "string" ? token : "", open: open === true, focus: focus === true, tell });
      }
      if (word === "open" || word === "closed") onOpen(word === "open");
    });
  });
}
