/** Where a mask makes Keras give other numbers than this package: behind both directions of a recurrent layer. */

import { Bidirectional } from '../layers/bidirectional.ts';
import type { Layer } from '../layers/layer.ts';
import { Recurrent } from '../layers/recurrent.ts';
import type { Sequential } from '../sequential.ts';
import { type Place, refuse, within } from './place.ts';

/**
 * At a masked step, a bidirectional layer that returns sequences gives zeros in Keras, and repeats what it gave before
 * here. Recurrent layers pass over such steps, and so does the loss; a layer that takes them for others is refused.
 */
export function checkMasks(place: Place, { layers }: Sequential): void {
  let masked = false;
  let differs = false;
  for (const layer of layers) {
    if (layer.className === 'Flatten' || layer.className === 'Reshape') {
      if (differs) {
        const message = 'must not take masked steps of a bidirectional layer for others: Keras makes them zero';
        refuse(within(place, layer.name), message);
      }
      masked = false;
    }
    masked ||= layer.className === 'Masking' || masksZero(layer);
    if (layer instanceof Bidirectional || layer instanceof Recurrent) {
      differs = masked && layer.returnSequences && layer instanceof Bidirectional;
      masked &&= layer.returnSequences;
    }
  }
}

const masksZero = (layer: Layer) => 'maskZero' in layer && layer.maskZero === true;
