// What stands in for LINE's LIFF SDK: the part of it that Dingdong's page uses.
// The page runs in the phone's browser sheet; the phone around it knows who is
// looking, and it alone is asked and believed.
(() => {
  "use strict";
  const phone = new URL(document.currentScript.src).origin;
  const PATIENCE = 5000;
  let token = null;
  let friend = false;
  let left = false; // she logged out

  const failed = (code, message) => Object.assign(new Error(message), { code });

  function ask() {
    return new Promise((answered, refused) => {
      if (window.parent === window) return refused(failed("INIT_FAILED", "This page is opened by the phone."));
      const late = setTimeout(() => refused(failed("INIT_FAILED", "The phone does not answer.")), PATIENCE);
      addEventListener("message", function hear(e) {
        if (e.source !== window.parent || e.origin !== phone || e.data?.liff !== "token") return;
        removeEventListener("message", hear);
        clearTimeout(late);
        friend = e.data.friend === true;
        answered(e.data.token);
      });
      window.parent.postMessage({ liff: "init" }, phone);
    });
  }

  // LINE opens the page with what stood behind the LIFF id in liff.state, and init
  // turns that into the page's own address.
  function settle() {
    const here = new URL(location.href);
    const state = here.searchParams.get("liff.state");
    if (!state) return;
    const there = new URL(here.pathname.replace(/\/$/, "") + (/^[/?#]/.test(state) ? state : "/" + state), here.origin);
    if (there.origin === here.origin && there.pathname.startsWith(here.pathname.replace(/\/$/, ""))) {
      history.replaceState(null, "", there.pathname.replace(/\/$/, "") + there.search + there.hash);
    }
  }

  window.liff = {
    async init({ liffId } = {}) {
      if (!liffId) throw failed("INVALID_CONFIG", "liffId is required");
      token = await ask();
      settle();
    },
    isLoggedIn: () => Boolean(token) && !left,
    isInClient: () => true,
    getIDToken: () => (left ? null : token),
    logout() { left = true; },
    login() {
      left = false;
      location.reload();
    },
    getFriendship: async () => ({ friendFlag: friend }),
    openWindow({ url }) { window.parent.postMessage({ liff: "open", url }, phone); },
    closeWindow() { window.parent.postMessage({ liff: "close" }, phone); },
  };
})();
