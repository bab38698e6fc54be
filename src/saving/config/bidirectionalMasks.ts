/** Rejects models whose results would differ from Keras because of masks on bidirectional layers. */

import { Bidirectional } from '../../layers/recurrent/bidirectional.ts';
import { Recurrent } from '../../layers/recurrent/recurrent.ts';
import type { LayersModel } from '../../model/layersModel.ts';
import { type FilePath, failAt, within } from './filePath.ts';

/**
 * At a masked step, a bidirectional layer that returns sequences outputs zeros in Keras and repeats its last output here.
 * Recurrent layers and the loss skip such steps, so the difference does not matter there. Rejects layers above that mix
 * masked steps with others, and bidirectional layers over a layer with goBackwards: there, the mask keeps the order of the
 * input, so the masked steps are not skipped.
 */
export function checkMasks(location: FilePath, model: LayersModel): void {
  const { calls } = model.view.graph(location.call).calls;
  /** The outputs that are masked sequences, and those whose masked steps differ. */
  const masked = new Set<number>();
  const differing = new Set<number>();
  for (const { layer, inputs, firstOutput } of calls) {
    let isMasked = inputs.some(value => masked.has(value));
    let differs = inputs.some(value => differing.has(value));
    if (layer.endsMask) {
      // Means leave masked steps out
      if (differs && layer.className !== 'GlobalAveragePooling1D') {
        const message =
          'must not mix masked steps of a bidirectional layer with others, because Keras sets them to zero';
        failAt(within(location, layer.name), message);
      }
      isMasked = false;
    }
    isMasked ||= layer.createsMask;
    if (layer instanceof Bidirectional || layer instanceof Recurrent) {
      const { returnSequences } = layer;
      differs = isMasked && returnSequences && layer instanceof Bidirectional;
      if (differs && layer instanceof Bidirectional && layer.forwardLayer.goBackwards) {
        failAt(
          within(location, layer.name),
          'must not wrap a layer with goBackwards over a masked sequence, because Keras sets other steps to zero',
        );
      }
      isMasked &&= returnSequences;
    }
    // The outputs after the first are states, or the other direction of a bidirectional layer
    const sequences = layer instanceof Bidirectional && layer.mergeMode === null ? 2 : 1;
    for (let n = 0; n < sequences; n++) {
      if (isMasked) masked.add(firstOutput + n);
      if (differs) differing.add(firstOutput + n);
    }
  }
}
