/* Whole files, from JPEG to HEIC: the browser reads them, and they are brought to size as satsim does it. */
"use strict";

const FIXED_POINT = 22; /* bits after the point of Pillow's weights, src/libImaging/Resample.c of Pillow 13.0 */

/* The cubic kernel with a = -0.5 (Keys 1981), which Pillow calls bicubic. */
function cubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
}

/* The samples, of `from` in a row, that each of `to` samples is made of: the first one, and the weights from it on. */
function tapsOf(from, to) {
  const [scale, stretch] = [from / to, Math.max(from / to, 1)];
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - 2 * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(centre + 2 * stretch + 0.5), from);
    const plain = Array.from({ length: end - first }, (_, tap) => cubic((first + tap - centre + 0.5) / stretch));
    const sum = plain.reduce((so_far, weight) => so_far + weight, 0);
    return { first, weights: plain.map((weight) => Math.trunc((weight / sum) * 2 ** FIXED_POINT + Math.sign(weight) / 2)) };
  });
}

/* RGBA pixels, `width` to `to` of them in a row, turned: a row becomes a column. */
function turned(pixels, width, height, to) {
  const made = new Uint8ClampedArray(to * height * 4).fill(255);
  tapsOf(width, to).forEach(({ first, weights }, column) => {
    for (let row = 0; row < height; row += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        const start = (row * width + first) * 4 + channel;
        let sum = 1 << (FIXED_POINT - 1);
        for (let tap = 0; tap < weights.length; tap += 1) sum += pixels[start + 4 * tap] * weights[tap];
        made[(column * height + row) * 4 + channel] = sum >> FIXED_POINT;
      }
    }
  });
  return made;
}

/* Pixels at another size, across and then down, each rounded to 8 bits: to the bit what Pillow's resize gives. */
function resized({ data, width, height }, toWidth, toHeight) {
  return turned(turned(data, width, height, toWidth), height, toWidth, toHeight);
}

/* Whether it is a JPEG with no end marker (ITU-T T.81, table B.1), of which Firefox would draw the beginning. */
function isCutJpeg(bytes) {
  const isMarker = (place, code) => bytes[place] === 0xff && bytes[place + 1] === code;
  return isMarker(0, 0xd8) && !bytes.some((_, place) => isMarker(place, 0xd9));
}

/* The pixels of a file, from its pieces in order; rejects what this browser cannot read. */
async function readFile(pieces) {
  const file = new Blob(pieces);
  if (isCutJpeg(new Uint8Array(await file.arrayBuffer()))) throw new Error("it has no end marker");
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/* Why a file was not read: a sample that is whole, where there is one, tells a broken file from a format that this
   browser lacks. */
async function faultOf({ title, sample }, { message }) {
  if (!sample) return new Error(`a broken file, or this browser draws no ${title} files`);
  const bytes = Uint8Array.from(atob(sample), (letter) => letter.charCodeAt(0));
  const canRead = await readFile([bytes]).then(() => true, () => false);
  return new Error(canRead ? `a broken file: ${message}` : `this browser draws no ${title} files`);
}

/* A whole file, from its sorted pieces `[[number, bytes], ...]`, as pixels of the image's size. */
async function drawnFile({ file, image, stages }) {
  const lengths = new Set(stages.filter(([number]) => number + 1 < image.nStages).map(([, piece]) => piece.length));
  if (lengths.size > 1) throw new Error("pieces of two files: all but a file's last are of one length");
  const picture = await readFile(stages.map(([, piece]) => piece)).catch(async (error) => Promise.reject(await faultOf(file, error)));
  return resized(picture, image.width, image.height);
}
