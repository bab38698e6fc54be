/** Detects which program wrote a model configuration, because the meaning of some names depends on it. */

import { type FilePath, failAt } from './filePath.ts';

/** This package, TF.js, Keras 2 or Keras 3. */
export type ConfigFormat = 'own' | 'tfjs' | 'keras2' | 'keras3';

/**
 * @param version the `keras_version` of a file
 * @returns null when it is absent or unknown
 */
export function formatOfVersion(location: FilePath, version: unknown): ConfigFormat | null {
  if (version === undefined || version === null) return null;
  const text = typeof version === 'string' ? version : '';
  if (text.startsWith('lstm-wasm')) return 'own';
  if (text.startsWith('tfjs')) return 'tfjs';
  const major = Number.parseInt(text, 10);
  if (major === 1) rejectKeras1(location);
  if (major === 2) return 'keras2';
  return major === 3 ? 'keras3' : null;
}

/** Detects the format from the version, or from the module names that only Keras 3 writes. */
export function formatOfModel(
  location: FilePath,
  { keras_version }: { keras_version?: unknown },
  model: object,
): ConfigFormat {
  const { module } = model as { module?: unknown };
  return formatOfVersion(location, keras_version) ?? (typeof module === 'string' ? 'keras3' : 'tfjs');
}

/** Rejects Keras 1 files (2015 to 2017), whose layer options and weight order differ. */
export const rejectKeras1 = (location: FilePath): never =>
  failAt(
    location,
    'must be a Keras 2 or Keras 3 model, got a Keras 1 model; load it with Keras 2.0 to 2.3 and save it again',
  );
