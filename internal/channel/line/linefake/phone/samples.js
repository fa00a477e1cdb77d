// Pictures and sound made on the spot, for a device without a camera or a
// microphone: nothing here was photographed or recorded.

function blend(ctx, x0, y0, x1, y1, ...stops) {
  const g = ctx.createLinearGradient(x0, y0, x1, y1);
  stops.forEach((colour, i) => g.addColorStop(i / (stops.length - 1), colour));
  return g;
}

function box(ctx, x, y, w, h, r, fill) {
  ctx.beginPath();
  ctx.roundRect(x, y, w, h, r);
  ctx.fillStyle = fill;
  ctx.fill();
}

function swatch(ctx, w, h) {
  ctx.fillStyle = blend(ctx, 0, 0, w, h, "#f6ddcc", "#e9bfa5", "#d9a488");
  ctx.fillRect(0, 0, w, h);
  ctx.lineCap = "round";
  ["#b0123b", "#c4574f", "#a85b5e", "#d98c8c"].forEach((colour, i) => {
    const y = h * (0.2 + i * 0.2);
    ctx.strokeStyle = colour;
    ctx.globalAlpha = 0.9;
    ctx.lineWidth = h * 0.085;
    ctx.beginPath();
    ctx.moveTo(w * 0.22, y + 18);
    ctx.quadraticCurveTo(w * 0.5, y - 30, w * 0.78, y + 8);
    ctx.stroke();
    ctx.strokeStyle = "#ffffff";
    ctx.globalAlpha = 0.22;
    ctx.lineWidth = h * 0.018;
    ctx.beginPath();
    ctx.moveTo(w * 0.24, y - 4);
    ctx.quadraticCurveTo(w * 0.5, y - 52, w * 0.74, y - 16);
    ctx.stroke();
  });
}

function lipstick(ctx, w, h) {
  ctx.fillStyle = blend(ctx, 0, 0, 0, h, "#faf3ee", "#f0dcd4");
  ctx.fillRect(0, 0, w, h);
  const x = w * 0.39, k = w * 0.22;
  ctx.beginPath();
  ctx.moveTo(x + k * 0.12, h * 0.5);
  ctx.lineTo(x + k * 0.12, h * 0.27);
  ctx.quadraticCurveTo(x + k * 0.2, h * 0.17, x + k * 0.88, h * 0.14);
  ctx.lineTo(x + k * 0.88, h * 0.5);
  ctx.fillStyle = blend(ctx, x, 0, x + k, 0, "#8c0c2e", "#d2325c", "#96102f");
  ctx.fill();
  box(ctx, x + k * 0.04, h * 0.46, k * 0.92, h * 0.13, 8, blend(ctx, x, 0, x + k, 0, "#a8823f", "#f5e2ae", "#a07833"));
  box(ctx, x - k * 0.08, h * 0.57, k * 1.16, h * 0.27, 12, blend(ctx, x, 0, x + k, 0, "#1d1719", "#5b4d52", "#151113"));
  ctx.globalAlpha = 0.12;
  box(ctx, w * 0.25, h * 0.84, w * 0.5, h * 0.02, 20, "#000000");
}

function perfume(ctx, w, h) {
  ctx.fillStyle = blend(ctx, 0, 0, w, h, "#eef3f0", "#dbe6e6", "#cfdadf");
  ctx.fillRect(0, 0, w, h);
  box(ctx, w * 0.42, h * 0.16, w * 0.16, h * 0.14, 10, blend(ctx, w * 0.42, 0, w * 0.58, 0, "#c8bda9", "#fffaf0", "#b3a68f"));
  box(ctx, w * 0.45, h * 0.29, w * 0.1, h * 0.06, 2, "#c9b27a");
  box(ctx, w * 0.24, h * 0.34, w * 0.52, h * 0.48, 46, blend(ctx, w * 0.24, 0, w * 0.76, 0, "#f7f4e6", "#fffef6", "#e6e2c9"));
  ctx.globalAlpha = 0.55;
  box(ctx, w * 0.28, h * 0.5, w * 0.44, h * 0.29, 34, blend(ctx, 0, h * 0.5, 0, h * 0.8, "#f1e6b4", "#e2c778"));
  ctx.globalAlpha = 1;
  box(ctx, w * 0.34, h * 0.52, w * 0.32, h * 0.13, 4, "#ffffff");
  ctx.fillStyle = "#5d5340";
  ctx.font = `${Math.round(w * 0.042)}px serif`;
  ctx.textAlign = "center";
  ctx.fillText("THÉ BLANC", w / 2, h * 0.585);
  ctx.fillText("30 ml", w / 2, h * 0.625);
}

function cushion(ctx, w, h) {
  ctx.fillStyle = blend(ctx, 0, 0, w, h, "#efe7f0", "#e3d6e4");
  ctx.fillRect(0, 0, w, h);
  const ring = (y, r, fill) => {
    ctx.beginPath();
    ctx.arc(w / 2, y, r, 0, Math.PI * 2);
    ctx.fillStyle = fill;
    ctx.fill();
  };
  ring(h * 0.3, w * 0.3, blend(ctx, 0, 0, w, h * 0.6, "#fff6f8", "#d9a9b8"));
  ring(h * 0.3, w * 0.26, blend(ctx, 0, h * 0.1, w, h * 0.5, "#dfe9f2", "#b9c8d8"));
  ring(h * 0.68, w * 0.31, blend(ctx, 0, h * 0.4, w, h, "#fff6f8", "#d9a9b8"));
  ring(h * 0.68, w * 0.25, "#f2d9c4");
  ctx.globalAlpha = 0.75;
  ctx.beginPath();
  ctx.ellipse(w * 0.46, h * 0.69, w * 0.17, w * 0.13, 0.3, 0, Math.PI * 2);
  ctx.fillStyle = "#fbf3ec";
  ctx.fill();
}

/** photos are the sample pictures: a key for its words and how to draw it. */
export const photos = [
  { key: "swatch", draw: swatch },
  { key: "lipstick", draw: lipstick },
  { key: "perfume", draw: perfume },
  { key: "cushion", draw: cushion },
];

/** paint draws one sample at the width given, three to four. */
export function paint(photo, width) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = Math.round(width * 4 / 3);
  const ctx = canvas.getContext("2d");
  ctx.scale(width / 720, width / 720);
  photo.draw(ctx, 720, 960);
  return canvas;
}

/** jpeg gives a canvas as bytes. */
export function jpeg(canvas) {
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.88));
}

const RATE = 16000;

/** chime is a doorbell, twice: a short voice note for a device without a microphone. */
export function chime() {
  const notes = [[659.26, 0], [523.25, 0.45], [783.99, 1.2], [587.33, 1.65]];
  const seconds = 2.6;
  const sound = new Float32Array(RATE * seconds);
  for (const [pitch, start] of notes) {
    for (let i = 0; i + start * RATE < sound.length; i++) {
      const t = i / RATE;
      const swell = Math.min(1, t * 80) * Math.exp(-t * 3.2);
      const turn = 2 * Math.PI * pitch * t;
      sound[Math.floor(start * RATE) + i] += 0.3 * swell * (Math.sin(turn) + 0.4 * Math.sin(2.76 * turn) * Math.exp(-t * 5));
    }
  }
  return { bytes: wav(sound), duration: seconds * 1000 };
}

// wav wraps samples in the 44 bytes of header that every player understands.
function wav(sound) {
  const view = new DataView(new ArrayBuffer(44 + sound.length * 2));
  const text = (at, s) => [...s].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + sound.length * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, sound.length * 2, true);
  sound.forEach((s, i) => view.setInt16(44 + i * 2, Math.max(-1, Math.min(1, s)) * 32767, true));
  return new Blob([view], { type: "audio/wav" });
}
