// Every sentence of the chat. Another language is one more block here with the
// same keys, and one more block in widget.js.

const words = {
  en: {
    conversation: "Conversation",
    write: "Write a message",
    send: "Send",
    attach: "Send a picture or file",
    emoji: "Emoji",
    close: "Close chat",
    down: "Newest messages",
    today: "Today",
    yesterday: "Yesterday",
    loading: "Opening the chat…",
    older: "Loading older messages…",
    name: "What may we call you? (optional)",
    nameSet: "Lovely to meet you, {name}.",
    typing: "{name} is typing…",
    someone: "The counter",
    arrived: "{name}: {text}",
    sending: "Sending…",
    waiting: "Waiting for network",
    uploading: "Sending {percent} %",
    sent: "Sent",
    delivered: "Delivered",
    read: "Read",
    failed: "Not sent: {why}",
    retry: "Try again",
    discard: "Discard",
    cancel: "Cancel",
    offline: "No connection. Messages are kept and sent when it is back.",
    unreachable: "The chat cannot be reached. Trying again…",
    closed: "This chat is not available right now.",
    tooBig: "{name} is larger than 20 MB.",
    refused: "It could not be accepted.",
    unsent: "This message was withdrawn",
    image: "Picture",
    video: "Video",
    audio: "Voice message",
    file: "File",
    location: "Location",
    sticker: "Sticker",
    other: "Message",
    choices: "Answers to tap",
    drop: "Drop it here to send it",
    automatic: "Automatic",
  },
  "zh-TW": {
    conversation: "對話",
    write: "輸入訊息",
    send: "送出",
    attach: "傳送圖片或檔案",
    emoji: "表情符號",
    close: "關閉對話",
    down: "最新訊息",
    today: "今天",
    yesterday: "昨天",
    loading: "正在開啟對話…",
    older: "正在載入更早的訊息…",
    name: "怎麼稱呼您？（可不填）",
    nameSet: "{name}，很高興認識您。",
    typing: "{name}正在輸入…",
    someone: "專櫃",
    arrived: "{name}：{text}",
    sending: "傳送中…",
    waiting: "等待網路連線",
    uploading: "傳送中 {percent} %",
    sent: "已送出",
    delivered: "已送達",
    read: "已讀",
    failed: "未送出：{why}",
    retry: "重試",
    discard: "捨棄",
    cancel: "取消",
    offline: "目前沒有網路。訊息會先保留，恢復連線後自動送出。",
    unreachable: "暫時無法連上對話，正在重試…",
    closed: "這個對話目前無法使用。",
    tooBig: "{name} 超過 20 MB。",
    refused: "無法接受這則訊息。",
    unsent: "此訊息已收回",
    image: "圖片",
    video: "影片",
    audio: "語音訊息",
    file: "檔案",
    location: "位置資訊",
    sticker: "貼圖",
    other: "訊息",
    choices: "可點選的回覆",
    drop: "拖放到這裡即可傳送",
    automatic: "自動訊息",
  },
};

/** languageFor picks the dictionary that fits best; English where none does. */
export function languageFor(wanted) {
  for (const tag of wanted) {
    const low = String(tag).toLowerCase();
    const exact = Object.keys(words).find((have) => have.toLowerCase() === low);
    if (exact) return exact;
    const near = Object.keys(words).find((have) => have.split("-")[0].toLowerCase() === low.split("-")[0]);
    if (near) return near;
  }
  return "en";
}

/** vocabulary gives one language: its tag, its direction and a function that says a sentence. */
export function vocabulary(language) {
  const chosen = words[language];
  return {
    language,
    direction: /^(ar|fa|he|ur)\b/.test(language) ? "rtl" : "ltr",
    say: (key, fill = {}) => (chosen[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => fill[name] ?? ""),
  };
}

/** dictionaries is for the test that demands equal keys. */
export const dictionaries = words;
