/** The requests to a rival in another process or in a page, and their replies. Also runs in pages. */

/** @typedef {import('./rivals/rival.js').Rival} Rival */
/** @typedef {import('./rivals/rival.js').Model} Model */
/** @typedef {Record<string, (request: any) => Promise<object> | object>} Handlers */

const CHUNK = 8192;

/** Numbers as base64 of float32. @param {Float32Array} values */
export function encode(values) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  for (let n = 0; n < bytes.length; n += CHUNK) text += String.fromCharCode(...bytes.subarray(n, n + CHUNK));
  return btoa(text);
}

/** @param {string} text @returns {Float32Array} */
export const decode = text =>
  new Float32Array(Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer);

/** @param {Rival} rival @returns {Handlers} */
export function handlersOf(rival) {
  /** @type {Map<number, Model>} */
  const models = new Map();
  return {
    about: () => ({ version: rival.version }),
    async build({ id, weights, x, y, ...setup }) {
      const data = { x: decode(x), y: decode(y) };
      models.set(id, await rival.build({ ...setup, weights: weights.map(decode), data }));
      return {};
    },
    outputs: async ({ id }) => ({ outputs: encode((await models.get(id)?.outputs()) ?? new Float32Array()) }),
    train: async ({ id }) => ({ loss: await models.get(id)?.train() }),
    measure: async ({ id, kind, calls }) => ({ ms: await models.get(id)?.measure(kind)(calls) }),
    async dispose({ id }) {
      await models.get(id)?.dispose();
      models.delete(id);
      return {};
    },
    create: async ({ workload, calls }) => ({ ms: await (await rival.create?.(workload))?.(calls) }),
  };
}

/** @param {Handlers} handlers @param {any} request @returns {Promise<object>} */
export async function replyTo(handlers, { command, ...request }) {
  try {
    return (await handlers[command]?.(request)) ?? { error: `unknown command ${command}` };
  } catch (error) {
    return { error: String(error) };
  }
}
