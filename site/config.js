/** VitePress: what is around the pages. `scripts/build-site.js` puts it beside them. */

const reference = [
  { text: 'Features', link: '/docs/features' },
  { text: 'Forecasting', link: '/docs/forecast' },
  { text: 'Functional models', link: '/docs/functional' },
  { text: 'Quantiles, likelihoods and CTC', link: '/docs/losses' },
  { text: 'Custom losses and metrics', link: '/docs/custom-losses' },
  { text: 'Custom layers', link: '/docs/custom-layers' },
  { text: 'minGRU and minLSTM', link: '/docs/min-rnn' },
  { text: 'API examples', link: '/docs/api-examples' },
  { text: 'Streams of functional models', link: '/docs/streams' },
  { text: 'Plots', link: '/docs/plots' },
  { text: 'Many models', link: '/docs/scale' },
  { text: 'Sweeps', link: '/docs/sweeps' },
  { text: 'Small programs', link: '/docs/core' },
  { text: 'Predictions only', link: '/docs/predict' },
  { text: 'Workers', link: '/docs/worker' },
  { text: 'Threads', link: '/docs/threads' },
  { text: 'File formats', link: '/docs/formats' },
  { text: 'Keras files', link: '/docs/keras' },
  { text: 'ONNX files', link: '/docs/onnx' },
  { text: 'Error handling', link: '/docs/errors' },
  { text: 'Differences from TF.js and Keras', link: '/docs/differences' },
];

const about = [
  { text: 'Where it runs', link: '/docs/hosts' },
  { text: 'Benchmarks', link: '/docs/benchmarks' },
  { text: 'Published results', link: '/docs/tables' },
  { text: 'Examples', link: '/docs/examples' },
  { text: 'Tutorial: sine to cosine', link: '/docs/tutorial' },
  { text: 'Versions', link: '/docs/versions' },
  { text: 'Changelog', link: '/CHANGELOG' },
];

const guide = [
  { text: 'Overview', link: '/docs/guide/' },
  { text: 'Your first model', link: '/docs/guide/first-model' },
  { text: 'Windows and scaling', link: '/docs/guide/windows-and-scaling' },
  { text: 'Forecasting', link: '/docs/guide/forecasting' },
  { text: 'Evaluating a forecast', link: '/docs/guide/evaluating' },
  { text: 'Forecasting a CSV file', link: '/docs/guide/forecast-a-csv' },
  { text: 'Sensors', link: '/docs/guide/sensors' },
  { text: 'Many series', link: '/docs/guide/many-series' },
  { text: 'Many models', link: '/docs/guide/many-models' },
  { text: 'Units and learning rate', link: '/docs/guide/units-and-learning-rate' },
  { text: 'Streaming', link: '/docs/guide/streaming' },
  { text: 'Stateful models', link: '/docs/guide/stateful' },
  { text: 'Classification', link: '/docs/guide/classification' },
  { text: 'Functional models and attention', link: '/docs/guide/functional' },
  { text: 'Text', link: '/docs/guide/text' },
  { text: 'Saving and loading', link: '/docs/guide/saving' },
  { text: 'In a browser app', link: '/docs/guide/browser' },
  { text: 'Speed', link: '/docs/guide/speed' },
  { text: 'Threads', link: '/docs/guide/threads' },
  { text: 'Reproducibility', link: '/docs/guide/reproducibility' },
  { text: 'Coming from TensorFlow.js', link: '/docs/guide/from-tfjs' },
  { text: 'Coming from Keras', link: '/docs/guide/from-keras' },
];

/** The path of the site on its host: SITE_BASE=/lstm-wasm/ for the pages of a repository. */
const base = process.env.SITE_BASE ?? '/';

/** Shared links need the whole address of their picture: SITE_URL=https://example.org for a host without a path. */
const address = `${process.env.SITE_URL ?? ''}${base}`;

const description = 'LSTM and GRU models that train and predict in WebAssembly, in Node and in the browser.';

/** As GitHub makes them from headings, so that a link holds there and here. @param {string} heading */
const slugify = heading =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

export default {
  title: 'lstm-wasm',
  description,
  lang: 'en',
  base,
  head: [
    ['link', { rel: 'icon', href: `${base}icon.svg` }],
    ['meta', { property: 'og:site_name', content: 'lstm-wasm' }],
    ['meta', { property: 'og:type', content: 'website' }],
    ['meta', { property: 'og:image', content: `${address}preview.png` }],
    ['meta', { property: 'og:image:alt', content: 'A forecast with its prediction interval' }],
    ['meta', { name: 'twitter:card', content: 'summary_large_image' }],
  ],
  /** The title and description of each page, for links that are shared. @param {import('vitepress').PageData} page */
  transformPageData(page) {
    page.frontmatter.head = [
      ...(page.frontmatter.head ?? []),
      ['meta', { property: 'og:title', content: page.title }],
      ['meta', { property: 'og:description', content: page.description || description }],
    ];
  },
  markdown: { anchor: { slugify } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/docs/guide/', activeMatch: '/docs/guide/' },
      { text: 'Reference', items: reference },
      { text: 'About', items: about },
      // Other tools make the next two, so these links load a page instead of routing within VitePress.
      { text: 'API', link: '/api/', target: '_self' },
      { text: 'Play', link: '/play/', target: '_self' },
    ],
    sidebar: [
      { text: 'Guide', items: guide },
      { text: 'Reference', items: reference },
      { text: 'About', items: [{ text: 'README', link: '/README' }, ...about] },
    ],
  },
};
