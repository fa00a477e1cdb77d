// The emoji that a counter uses; phones have their own keyboard for the rest.
const faces = "😊 😄 😍 🥰 😘 😉 🤗 😂 🥹 😅 😇 🤩 😋 🙂 🤔 😢 😭 😔 😱 😴";
const hands = "🙏 👍 👏 👌 💪 🙌 👋 🤝 ✌️ 🫶";
const hearts = "❤️ 🩷 🧡 💛 💚 💙 💜 🤍 💕 💖 ✨ 🌟 🎉 🎂 🎁 🌹 🌸 🌷 🌿 ☀️";
const counter = "💄 💋 💅 🧴 🧼 🪞 👜 👗 👠 💎 🛍️ 🏷️ 📦 📍 ⏰ 📅 ✅ ❌ ❗ ❓";

/** fill puts the emoji into a panel, each a button that says itself. */
export function fill(panel, choose) {
  for (const group of [faces, hands, hearts, counter]) {
    const row = document.createElement("div");
    row.className = "emoji-row";
    for (const e of group.split(" ")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = e;
      button.addEventListener("click", () => choose(e));
      row.append(button);
    }
    panel.append(row);
  }
}
