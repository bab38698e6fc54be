/** VitePress: what is around the pages. `scripts/build-site.js` puts it beside them. */

const about = [
  { text: 'Formats', link: '/docs/formats' },
  { text: 'Models of Keras', link: '/docs/keras' },
  { text: 'Models in ONNX', link: '/docs/onnx' },
  { text: 'Models in a worker', link: '/docs/worker' },
  { text: 'Many models', link: '/docs/scale' },
  { text: 'Quantiles, likelihoods and CTC', link: '/docs/losses' },
  { text: 'Streams of functional models', link: '/docs/streams' },
  { text: 'Custom losses and metrics', link: '/docs/custom-losses' },
  { text: 'Custom layers', link: '/docs/custom-layers' },
  { text: 'Series, baselines and metrics', link: '/docs/forecast' },
  { text: 'Plots', link: '/docs/plots' },
  { text: 'Differences from TF.js and Keras', link: '/docs/differences' },
];

const guide = [
  { text: 'Overview', link: '/docs/guide/' },
  { text: 'Your first model', link: '/docs/guide/first-model' },
  { text: 'Windows and scaling', link: '/docs/guide/windows-and-scaling' },
  { text: 'Forecasting', link: '/docs/guide/forecasting' },
  { text: 'Choosing units and learning rate', link: '/docs/guide/units-and-learning-rate' },
  { text: 'Streaming', link: '/docs/guide/streaming' },
  { text: 'Stateful or not', link: '/docs/guide/stateful' },
  { text: 'Text', link: '/docs/guide/text' },
  { text: 'Saving and exchanging', link: '/docs/guide/saving' },
  { text: 'Speed and SIMD', link: '/docs/guide/speed' },
  { text: 'Reproducibility', link: '/docs/guide/reproducibility' },
  { text: 'Coming from TF.js', link: '/docs/guide/from-tfjs' },
  { text: 'Coming from Keras', link: '/docs/guide/from-keras' },
];

/** Where the site lies on its host: SITE_BASE=/lstm-wasm/ for the pages of a repository. */
const base = process.env.SITE_BASE ?? '/';

/** As GitHub makes them from headings, so that a link holds there and here. @param {string} heading */
const slugify = heading =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

export default {
  title: 'lstm-wasm',
  description: 'Recurrent networks that train and predict in WebAssembly, in Node and in the browser.',
  lang: 'en',
  base,
  head: [['link', { rel: 'icon', href: `${base}icon.svg` }]],
  markdown: { anchor: { slugify } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/docs/guide/', activeMatch: '/docs/guide/' },
      { text: 'Formats and more', items: about },
      // The next two are made by other tools: the browser goes there, not VitePress.
      { text: 'API', link: '/api/', target: '_self' },
      { text: 'Play', link: '/play/', target: '_self' },
    ],
    sidebar: [
      { text: 'Guide', items: guide },
      { text: 'Formats and more', items: about },
      {
        text: 'The package',
        items: [
          { text: 'README', link: '/README' },
          { text: 'Changelog', link: '/CHANGELOG' },
        ],
      },
    ],
  },
};
