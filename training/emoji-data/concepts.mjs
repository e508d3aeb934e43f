// Which emoji are drawn, and the idea behind each. The split is by idea, so that no idea is in both train and eval.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { groups, subgroups } = require('emojibase-data/meta/groups.json');

export const emojibase = require('emojibase-data/en/data.json');

/** The first four bytes of a text's SHA-256: the only "randomness" here, the same everywhere. */
export function hash(text) {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}

/** A code point sequence as file names spell it: lower case, without variation selectors and leading zeros. */
export function codePoints(text) {
  return text.toLowerCase().split('-').filter((part) => part !== 'fe0f').map((part) => part.replace(/^0+/, '')).join('-');
}

const componentsAndFlags = [2, 9];
const skippedSubgroups = new Set(('keycap alphanum arrow punctuation math currency transport-sign av-symbol gender other-symbol religion zodiac warning skin-tone '
  + 'hair-style country-flag subdivision-flag flag person-symbol phonetic status').split(' '));
const symbolsKept = new Set(['recycling symbol', 'trident emblem', 'fleur-de-lis', 'peace symbol', 'yin yang', 'star of david', 'infinity', 'check mark button',
  'cross mark', 'radioactive', 'biohazard', 'warning', 'atom symbol', 'wheel of dharma', 'sparkle']);
const labelsSkipped = new Set(['middle finger', 'love hotel', 'no one under eighteen']);

function isDrawn({ group, label, subgroup }) {
  if (group === undefined || componentsAndFlags.includes(group) || labelsSkipped.has(label))
    return false;
  const [name, kept] = [subgroups[subgroup], symbolsKept.has(label.toLowerCase())];
  if (!kept && (skippedSubgroups.has(name) || (label.endsWith('button') && name !== 'geometric')))
    return false;

  // Clock faces and mirror images are nearly the same image many times; families are combinations.
  return !(name === 'time' && /o.clock|thirty/.test(label)) && !label.includes('facing right') && !/^(family|couple with heart|kiss): /.test(label);
}

/** The idea of a label: "man cook", "woman cook" and "cook: medium skin tone" are one. */
function ideaOf(label) {
  const squeeze = (text) => text.replace(/\s+/g, ' ').trim();
  let idea = squeeze(label.toLowerCase().replace(/[“”’'.,!]/g, '').replace(/:.*$/, '').replace(/\bfacing right\b/, ''));
  idea = squeeze(idea.replace(/\b(men|women|people)\b/g, 'person').replace(/\b(man|woman|person|boy|girl|child|mr|mrs|old|older)\b/g, ''));
  if (idea === '' || idea === 's' || (idea.length < 4 && /^(with|in|s )/.test(idea)))
    idea = 'person';
  idea = idea.replace(/^(policewoman|policeman)/, 'police officer').replace(/^(prince|princess|king|queen)s?$/, 'royal');
  return idea.replace(/ face$| with .*$/, (ending) => (ending === ' face' ? '' : ending));
}

const words = (label, forOthers) => label.replace(': ', forOthers);

/** The emoji that are drawn, each followed by one of its skin tones where it has them. */
export function concepts() {
  const all = [];
  for (const entry of emojibase.filter(isDrawn)) {
    const concept = {
      code: codePoints(entry.hexcode),
      label: words(entry.label, entry.label.endsWith('bald') ? ', ' : ' with '),
      idea: ideaOf(entry.label),
      keywords: entry.tags ?? [],
      group: groups[entry.group],
      subgroup: subgroups[entry.subgroup],
      emoji: entry.emoji,
      toned: false,
    };
    all.push(concept);

    // Gendered variants have no tone of their own, so that people do not outweigh everything else.
    const tones = (entry.skins ?? []).filter((skin) => typeof skin.tone === 'number');
    if (tones.length === 0 || /^(men|women|man|woman|mr|mrs)\b|^(boy|girl)$/i.test(concept.label))
      continue;
    const tone = tones[hash(`tone:${concept.code}`) % tones.length];
    const label = words(tone.label, ' with ').replace(/, (?=.*skin)/, ', ');
    all.push({ ...concept, code: codePoints(tone.hexcode), label, emoji: tone.emoji, toned: true });
  }

  return all;
}

/** The split of an idea: one in twenty is held out. */
export function splitOf(idea) {
  return hash(`split:${idea}`) / 2 ** 32 < 0.05 ? 'eval' : 'train';
}
