/** Rejects models whose results would differ from Keras because of masks on bidirectional layers. */

import { Bidirectional } from '../../layers/recurrent/bidirectional.ts';
import { Recurrent } from '../../layers/recurrent/recurrent.ts';
import type { Sequential } from '../../model/sequential.ts';
import { type FilePath, failAt, within } from './filePath.ts';

/**
 * At a masked step, a bidirectional layer that returns sequences outputs zeros in Keras and repeats its last output here.
 * Recurrent layers and the loss skip such steps, so the difference does not matter there. Rejects layers above that mix
 * masked steps with others, and bidirectional layers over a layer with goBackwards: there, the mask keeps the order of the
 * input, so the masked steps are not skipped.
 */
export function checkMasks(location: FilePath, { layers }: Sequential): void {
  let masked = false;
  let differs = false;
  for (const layer of layers) {
    if (layer.endsMask) {
      if (differs) {
        const message =
          'must not mix masked steps of a bidirectional layer with others, because Keras sets them to zero';
        failAt(within(location, layer.name), message);
      }
      masked = false;
    }
    masked ||= layer.createsMask;
    if (layer instanceof Bidirectional || layer instanceof Recurrent) {
      differs = masked && layer.returnSequences && layer instanceof Bidirectional;
      if (differs && layer instanceof Bidirectional && layer.forwardLayer.goBackwards) {
        failAt(
          within(location, layer.name),
          'must not wrap a layer with goBackwards over a masked sequence, because Keras sets other steps to zero',
        );
      }
      masked &&= layer.returnSequences;
    }
  }
}
