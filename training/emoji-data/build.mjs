#!/usr/bin/env node
// Builds emoji-128.zip: captioned emoji of 128x128 in the layout of a Hugging Face image folder, with alpha, so that scenes can be composed of them.
//   npm ci && npm run build -- OUTPUT.zip
// One in twenty ideas is held out in eval/. sketch_pairs.jsonl of each split pairs line icons with the colored art of the same emoji.
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { ZipFile } from 'yazl';
import { open } from './art.mjs';
import { concepts, splitOf } from './concepts.mjs';
import { Framer, Repeats } from './frame.mjs';
import { styles } from './styles.mjs';

const side = 128;
const artSide = 256;
const splits = ['train', 'eval'];

// A fixed date, so that the same images give the same file.
const date = { mtime: new Date(2026, 0, 1), compress: false };

const output = process.argv[2];
if (!output || process.argv.length > 3) {
  console.error('expected one argument: the zip file to write.');
  process.exit(2);
}

sharp.concurrency(1);
const zip = new ZipFile();
const unfinished = `${output}.unfinished`;
const written = pipeline(zip.outputStream, createWriteStream(unfinished));
const rows = { train: [], eval: [] };
try {
  const framer = new Framer(side);
  const all = concepts();
  for (const style of styles)
    await addStyle(style, all, framer);
  for (const split of splits) {
    addLines(`${split}/metadata.jsonl`, rows[split]);
    addLines(`${split}/sketch_pairs.jsonl`, pairs(rows[split]));
  }

  zip.end();
  await written;
  renameSync(unfinished, output);
} catch (error) {
  rmSync(unfinished, { force: true });
  throw error;
}

for (const split of splits)
  console.log(`${split}: ${rows[split].length} images of ${new Set(rows[split].map((row) => row.concept)).size} ideas`);

async function addStyle(style, all, framer) {
  const art = open(style, artSide);

  // Line icons differ in fewer pixels than colored art.
  const lines = style.key === 'fluenthc';
  const repeats = new Repeats(lines ? 3 : 2);
  const counts = { kept: 0, missing: 0, empty: 0, repeated: 0 };
  for (const concept of all) {
    // Without color all skin tones look alike.
    if (lines && concept.toned)
      continue;
    const png = await art(concept).catch(() => null);
    const framed = png && await framer.frame(png, style.key, concept.code);
    const fate = png === null ? 'missing' : framed === null ? 'empty' : await repeats.has(framed, side) ? 'repeated' : 'kept';
    counts[fate]++;
    if (fate === 'kept')
      await add(style, concept, framed);
  }

  console.log(style.key, JSON.stringify(counts));
}

async function add(style, concept, rgba) {
  const split = splitOf(concept.idea);
  const name = concept.label.toLowerCase();
  const file = `${style.key}_${concept.code}.webp`;
  const webp = await sharp(rgba, { raw: { width: side, height: side, channels: 4 } }).webp({ lossless: true, effort: 4 }).toBuffer();
  zip.addBuffer(webp, `${split}/${file}`, date);
  rows[split].push({
    file_name: file,
    text: `${name}, ${style.words}`,
    name,
    style: style.words,
    concept: concept.idea,
    keywords: concept.keywords,
    group: concept.group,
    subgroup: concept.subgroup,
    emoji: concept.emoji,
    source: style.source,
    license: style.license,
  });
}

function pairs(of) {
  const lineIcons = new Set(of.map((row) => row.file_name).filter((file) => file.startsWith('fluenthc_')));
  return of.flatMap((row) => {
    const [style, code] = row.file_name.split('_', 2);
    const icon = `fluenthc_${code}`;
    return ['fluentflat', 'fluent3d'].includes(style) && lineIcons.has(icon) ? [{ image: row.file_name, conditioning_image: icon, text: row.text }] : [];
  });
}

function addLines(name, values) {
  zip.addBuffer(Buffer.from(values.map((value) => JSON.stringify(value)).join('\n') + '\n'), name, date);
}
