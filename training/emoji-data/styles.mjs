// The styles in the order in which they are rendered: their words in captions, their packages, and their licences.
const versions = (await import('./package.json', { with: { type: 'json' } })).default.dependencies;

function style(key, words, license, pack, holder) {
  return { key, words, license, pack, source: `npm:${pack}@${versions[pack]} (${holder})` };
}

export const styles = [
  style('fluent3d', 'fluent 3d emoji', 'MIT', '@lobehub/fluent-emoji-3d', 'Microsoft Fluent Emoji'),
  style('fluentflat', 'fluent flat emoji', 'MIT', '@iconify-json/fluent-emoji-flat', 'Microsoft Fluent Emoji'),
  style('fluenthc', 'black and white line icon', 'MIT', '@iconify-json/fluent-emoji-high-contrast', 'Microsoft Fluent Emoji'),
  style('noto', 'noto emoji', 'Apache-2.0', '@iconify-json/noto', 'Google Noto Emoji'),
  style('blob', 'blob emoji', 'Apache-2.0', '@iconify-json/noto-v1', 'Google Noto Emoji v1'),
  style('twemoji', 'twemoji', 'CC-BY-4.0', '@iconify-json/twemoji', 'Twitter, jdecked and contributors'),
  style('fxemoji', 'firefox os emoji', 'Apache-2.0', '@iconify-json/fxemoji', 'Mozilla FxEmojis'),
];
