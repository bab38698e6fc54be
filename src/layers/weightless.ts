/** What layers without weights have in common. */

import { Layer } from './layer.ts';

export abstract class Weightless extends Layer {
  override readonly parameterCount = 0;

  protected override describeWeights(): [] {
    return [];
  }

  override moveWeights(): void {}
}
