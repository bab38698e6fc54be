/** The package with `lstm-wasm/turbo`, in a separate process of a newer Node, because turbo sets flags of the process. */

import { fileURLToPath } from 'node:url';
import { fetchNodes, nodesHere } from '../../scripts/nodes.js';
import { remote } from './remote.js';

/** The first major version whose V8 merges vectors. */
const MIN_MAJOR = 24;

const newerNode = () => nodesHere().find(({ major }) => major >= MIN_MAJOR);

/** The reason why it cannot run here; empty if it can. Installs a Node that is new enough, if there is none. */
export function missingTurbo() {
  if (process.arch !== 'x64') return `has no effect on ${process.arch}`;
  if (!newerNode() && process.env.NODE_BINARIES === undefined) fetchNodes([MIN_MAJOR]);
  return newerNode() ? '' : `needs Node ${MIN_MAJOR}, which is not installed`;
}

export function turbo() {
  const program = fileURLToPath(new URL('../turbo-worker.js', import.meta.url));
  return remote('turbo', newerNode()?.path ?? '', [program], about => {
    return `lstm-wasm ${about.version}, relaxed build with lstm-wasm/turbo (${about.turbo}), Node ${about.node}`;
  });
}
