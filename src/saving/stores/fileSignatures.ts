/** Recognizes files of other formats by their first bytes. */

/** The number of bytes to check; all signatures are within them. */
const SIGNATURE_BYTES = 512;

/** A format that the calling reader may support. */
export type ReadableFormat = 'HDF5' | 'JSON' | 'ONNX' | 'safetensors' | 'zip';

interface Format {
  /** Matches the first bytes as hexadecimal digits. */
  readonly hex?: RegExp;
  /** Matches the first bytes as Latin-1 text. */
  readonly text?: RegExp;
  /** The description of the file, with advice. */
  readonly what: string;
  /** The format whose reader accepts such files. */
  readonly own?: ReadableFormat;
}

const DOWNLOAD = 'download the file itself again';
const PYTHON = 'a PyTorch or NumPy file; save the weights as safetensors, or export the model to ONNX, and load that';

/** The first match counts. */
const formats: readonly Format[] = [
  // First, because such a file begins with a length, whose bytes may look like any signature
  { hex: /^.{8}000000007b/, what: "a safetensors file; 'lstm-wasm/safetensors' reads it", own: 'safetensors' },
  { text: /^version https:\/\/git-lfs/, what: 'a Git LFS pointer in place of the file; run git lfs pull' },
  { text: /^\s*<(!doctype html|html|head|body)\b/i, what: `a web page (HTML); ${DOWNLOAD}` },
  { text: /^\s*<(\?xml|[a-z!])/i, what: `an XML document; ${DOWNLOAD}` },
  // The second form is the signature after the file was decoded as UTF-8
  { hex: /^(89|efbfbd)4844460d0a1a0a/, what: "an HDF5 file; 'lstm-wasm/keras' reads those of Keras", own: 'HDF5' },
  { text: /^PK\W{2}.*(data\.pkl|\.npy)/s, what: PYTHON },
  { hex: /^504b0304/, what: "a zip archive; 'lstm-wasm/keras' reads those that are .keras files", own: 'zip' },
  { hex: /^1f8b08/, what: 'a gzip archive; unpack it and load the model in it' },
  { text: /^.{257}ustar/s, what: 'a tar archive; unpack it and load the model in it' },
  { text: /^.{4}TFL3/s, what: 'a TensorFlow Lite model; load the model it was converted from' },
  {
    // saved_model_schema_version 1, then a graph that begins with its meta_info_def
    hex: /^080112([89a-f].)*[0-7].0a/,
    what: 'a SavedModel of TensorFlow; load it in Keras and save it as .keras',
  },
  { hex: /^08(0.|1.)(12|1a|22|28|32|3a|42)/, what: "an ONNX file; 'lstm-wasm/onnx' reads it", own: 'ONNX' },
  { hex: /^80(02|03|04|05)|^934e554d5059/, what: PYTHON },
  // Without control characters, because the first byte of weights may be a bracket
  {
    text: /^\s*[{[][\t\n\r\x20-\xff]*$/,
    what: 'JSON; loadLayersModel reads a model.json and its weights',
    own: 'JSON',
  },
  { text: /^[\t\n\r\x20-\x7e]+$/, what: `a text file that is not a model; ${DOWNLOAD}`, own: 'JSON' },
];

/**
 * Describes a file of another format, with advice, for messages such as `must be an HDF5 file, got ${description}`.
 *
 * @param own the format that the calling reader supports
 * @returns undefined when the format is `own` or unknown
 */
export function describeOtherFormat(bytes: Uint8Array, own?: ReadableFormat): string | undefined {
  if (bytes.length === 0) return `an empty file; ${DOWNLOAD}`;
  const first = bytes.subarray(0, SIGNATURE_BYTES);
  const text = String.fromCharCode(...first).replace(/^\xef\xbb\xbf/, '');
  const hex = Array.from(first, byte => byte.toString(16).padStart(2, '0')).join('');
  const found = formats.find(format => format.text?.test(text) || format.hex?.test(hex));
  return found?.own && found.own === own ? undefined : found?.what;
}
