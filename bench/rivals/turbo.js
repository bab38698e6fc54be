/** The package under `lstm-wasm/turbo`, whose flags belong to a process: in one of a newer Node. */

import { fileURLToPath } from 'node:url';
import { fetchNodes, nodesHere } from '../../scripts/nodes.js';
import { remote } from './remote.js';

/** The first whose V8 joins vectors. */
const MAJOR = 24;

const newer = () => nodesHere().find(({ major }) => major >= MAJOR);

/** Why it cannot run here; empty where it can. Fetches a Node that is new enough, where there is none. */
export function missingTurbo() {
  if (process.arch !== 'x64') return `it does nothing on ${process.arch}`;
  if (!newer() && process.env.NODE_BINARIES === undefined) fetchNodes([MAJOR]);
  return newer() ? '' : `it needs Node ${MAJOR}, and none is here`;
}

export function turbo() {
  const program = fileURLToPath(new URL('../turbo-worker.js', import.meta.url));
  return remote('turbo', newer()?.path ?? '', [program], about => {
    return `lstm-wasm ${about.version}, relaxed build under lstm-wasm/turbo (${about.turbo}), Node ${about.node}`;
  });
}
