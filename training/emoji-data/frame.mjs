// One framing for all styles: cropped to the content, fitted into the square with a margin.
import sharp from 'sharp';

const clear = { r: 255, g: 255, b: 255, alpha: 0 };
const margin = 0.04;
const faintestAlpha = 8;
const leastShare = 0.01;

/** Frames art to a square, or returns null if there is almost nothing in it. */
export class Framer {
  // High-contrast icons are drawn on the grid of the flat ones: with their crop, the two align to the pixel.
  #flat = new Map();

  constructor(side) {
    this.side = side;
  }

  async frame(png, style, code) {
    let box = await contentOf(png);
    if (box === null)
      return null;
    if (style === 'fluentflat')
      this.#flat.set(code, box);
    if (style === 'fluenthc' && this.#flat.has(code))
      box = around(box, this.#flat.get(code));
    const inner = Math.round(this.side * (1 - 2 * margin));
    const content = await sharp(png)
      .extract({ left: box.left, top: box.top, width: box.right - box.left + 1, height: box.bottom - box.top + 1 })
      .resize(inner, inner, { fit: 'contain', background: clear, kernel: 'lanczos3' }).png().toBuffer();
    const before = Math.floor((this.side - inner) / 2);
    const after = this.side - inner - before;
    return sharp(content).extend({ top: before, left: before, bottom: after, right: after, background: clear }).ensureAlpha().raw().toBuffer();
  }
}

async function contentOf(png) {
  const { data, info: { width, height } } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const box = { left: Infinity, top: Infinity, right: -1, bottom: -1 };
  let count = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[(y * width + x) * 4 + 3] <= faintestAlpha)
        continue;
      count++;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
    }
  }

  return count === 0 || count < width * height * leastShare ? null : box;
}

function around(one, other) {
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

/** Tells whether art repeats, within 16x16 thumbnails on white, what a style has had already. */
export class Repeats {
  #seen = [];

  constructor(least) {
    this.least = least;
  }

  async has(rgba, side) {
    const thumbnail = await sharp(rgba, { raw: { width: side, height: side, channels: 4 } })
      .flatten({ background: '#ffffff' }).removeAlpha().resize(16, 16, { kernel: 'cubic' }).raw().toBuffer();
    const limit = this.least * thumbnail.length;
    if (this.#seen.some((other) => difference(thumbnail, other, limit) < limit))
      return true;
    this.#seen.push(thumbnail);
    return false;
  }
}

function difference(one, other, limit) {
  let sum = 0;
  for (let i = 0; i < one.length && sum < limit; i++)
    sum += Math.abs(one[i] - other[i]);
  return sum;
}
