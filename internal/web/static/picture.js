// Pictures are drawn anew before they travel: smaller, upright, and without what
// a camera writes into them, the place above all.

const LONGEST = 2048;

/** lighten gives a picture as a JPEG that is small enough; other files as they are. */
export async function lighten(file) {
  if (!/^image\/(jpeg|png|webp|heic|heif|avif|bmp)$/.test(file.type)) return file;
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file; // the server says in words what is wrong with it
  }
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  if (scale === 1 && file.type === "image/png" && file.size < 1 << 20) return file; // a screenshot stays sharp
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.86));
  if (!small) return file;
  return new File([small], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
}
