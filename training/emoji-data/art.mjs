// The art of each style, as PNG with alpha.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import sharp from 'sharp';
import { codePoints, emojibase } from './concepts.mjs';

const require = createRequire(import.meta.url);
const clear = { r: 255, g: 255, b: 255, alpha: 0 };

/** Opens a style: a function from a concept to its art, or to null. */
export function open(style, side) {
  return style.key === 'fluent3d' ? rendered(style, side) : drawn(style, side);
}

/** Fluent 3D comes as images. */
function rendered(style, side) {
  const folder = path.join(path.dirname(require.resolve(`${style.pack}/package.json`)), 'assets');
  const files = new Map(readdirSync(folder).map((name) => [codePoints(name.replace('.webp', '')), path.join(folder, name)]));
  return async ({ code }) => (files.has(code)
    ? sharp(files.get(code)).resize(side, side, { fit: 'contain', background: clear, kernel: 'lanczos3' }).ensureAlpha().png().toBuffer()
    : null);
}

/** The others come as the bodies of SVG files, in one JSON file each. */
function drawn(style, side) {
  const set = require(`${style.pack}/icons.json`);
  const names = namesOf(style, set);
  return async ({ code }) => {
    const name = names.get(code);
    const icon = name && (set.icons[name] ?? set.icons[set.aliases?.[name]?.parent]);
    if (!icon)
      return null;
    const of = (key, otherwise) => icon[key] ?? set[key] ?? otherwise;
    const box = [of('left', 0), of('top', 0), of('width'), of('height')].join(' ');
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
      + `width="${side}" height="${side}" viewBox="${box}" color="#000">${icon.body}</svg>`;
    return sharp(Buffer.from(svg), { unlimited: true }).png({ compressionLevel: 1 }).toBuffer();
  };
}

/** The name of the icon for each code point sequence. */
function namesOf(style, set) {
  const names = new Map();
  const add = (code, name) => names.has(codePoints(code)) || names.set(codePoints(code), name);
  const exists = (name) => name && (set.icons[name] || set.aliases?.[name]);
  for (const [code, name] of Object.entries(require(`${style.pack}/chars.json`)))
    add(code, name);
  if (names.size > 0)
    return names;

  // The archived sets have no code points: their icons are found by the names that newer sets and emojibase use.
  const noto = require('@iconify-json/noto/chars.json');
  if (style.key === 'blob') {
    Object.entries(noto).filter(([, name]) => exists(name)).forEach(([code, name]) => add(code, name));
    return names;
  }

  const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const unicode = require('emojibase-data/meta/unicode-names.json');
  const shortcodes = ['iamcal', 'github', 'emojibase', 'emojibase-legacy', 'cldr', 'joypixels'].map((name) => require(`emojibase-data/en/shortcodes/${name}.json`));

  // Their names mean another image there.
  const misleading = new Set(['bow and arrow', 'boar', 'water pistol', 'person pouting']);
  const used = new Set();
  for (const { group, hexcode, label } of emojibase.filter((entry) => !misleading.has(entry.label))) {
    const people = group === 1;
    const candidates = [label, unicode[hexcode] ?? '', noto[hexcode.toLowerCase()] ?? '', ...(people ? [] : shortcodes.flatMap((codes) => codes[hexcode] ?? []))];
    const name = candidates.map(plain).find((candidate) => exists(candidate) && !used.has(candidate));
    if (name) {
      used.add(name);
      add(hexcode, name);
    }
  }

  return names;
}
