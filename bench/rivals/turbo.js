/** The package with `lstm-wasm/turbo`, in a separate process of a newer Node, because turbo sets flags of the process. */

import { fetchNodes, nodesHere } from '../../scripts/nodes.js';
import { inNode } from './remote.js';
import { named } from './rival.js';

/** The first major version whose V8 merges vectors. */
const MIN_MAJOR = 24;

const newerNode = () => nodesHere().find(({ major }) => major >= MIN_MAJOR);

/** The reason why it cannot run here; empty if it can. Installs a Node that is new enough, if there is none. */
export function missingTurbo() {
  if (process.arch !== 'x64') return `has no effect on ${process.arch}`;
  if (!newerNode() && process.env.NODE_BINARIES === undefined) fetchNodes([MIN_MAJOR]);
  return newerNode() ? '' : `needs Node ${MIN_MAJOR}, which is not installed`;
}

/** @param {number} [threads] */
export function turbo(threads = 1) {
  const args = ['relaxed', { turbo: true, threads }];
  return inNode({ file: 'ours', name: 'ours', args }, { name: named('turbo', threads), threads }, newerNode()?.path);
}
