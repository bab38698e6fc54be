// Files that are not models: the error of every reader names their format and the fix.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { gzipSync, strToU8, zipSync } from 'fflate';
import { layers, loadLayersModel, sequential, ValueError } from 'lstm-wasm';
import { loadKerasModel, loadKerasWeights, toKeras, toKerasWeights } from 'lstm-wasm/keras';
import { loadOnnxModel, toOnnx } from 'lstm-wasm/onnx';
import { readSafetensors, toSafetensors } from 'lstm-wasm/safetensors';
import { describe, expect, test } from 'vitest';

const model = sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 1] })] });

type Read = (bytes: Uint8Array) => Promise<unknown>;

/** The readers, by the start of their error messages. */
const byteReaders = {
  'loadKerasModel: the file: must be': bytes => loadKerasModel(bytes),
  'loadKerasWeights: the file: must be': bytes => loadKerasWeights(model, bytes),
  'loadOnnxModel: the file must be': bytes => loadOnnxModel(bytes),
  'readSafetensors: bytes must be': async bytes => readSafetensors(bytes),
} satisfies Record<string, Read>;

const textReaders = {
  'loadLayersModel: ': bytes => {
    const folder = mkdtempSync(`${tmpdir()}/foreign-`);
    writeFileSync(`${folder}/model.json`, bytes);
    return loadLayersModel(`file://${folder}`).finally(() => rmSync(folder, { recursive: true }));
  },
  'loadLayersModel: https://somewhere/model.json: must be JSON': bytes =>
    loadLayersModel('https://somewhere/model.json', { fetchFunc: async () => new Response(bytes.slice()) }),
} satisfies Record<string, Read>;

async function expectRejected(call: string, read: Read, bytes: Uint8Array, message: RegExp) {
  const error = await read(bytes).then(
    () => null,
    reason => reason,
  );
  expect(error).toBeInstanceOf(ValueError);
  expect(error.message.slice(0, call.length)).toBe(call);
  expect(error.message).toMatch(message);
}

const lfsPointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0a'.repeat(32)}\nsize 12345\n`;
const torchZip = zipSync({ 'archive/data.pkl': new Uint8Array([128, 2, 125]), 'archive/version': strToU8('3\n') });

const texts: [string, Uint8Array, RegExp][] = [
  ['a Git LFS pointer', strToU8(lfsPointer), /got a Git LFS pointer in place of the file; run git lfs pull$/],
  [
    'a web page',
    strToU8('\ufeff\n<!DOCTYPE html>\n<html>'),
    /got a web page \(HTML\); download the file itself again$/,
  ],
  ['an XML error page', strToU8('<?xml version="1.0"?><Error/>'), /got an XML document; download/],
  ['an empty file', new Uint8Array(0), /got an empty file; download the file itself again$/],
  ['a PyTorch checkpoint', torchZip, /got a PyTorch or NumPy file; save the weights as safetensors/],
  ['a TensorFlow Lite model', strToU8('\x1c\0\0\0TFL3\x14\0'), /got a TensorFlow Lite model/],
];

/** The start of a saved_model.pb: version 1, and a graph with its metadata. */
const savedModel = [8, 1, 18, 136, 1, 10, 6, 34, 4, ...strToU8('serve'), ...Array(123).fill(7)];
const tar = new Uint8Array(1024);
tar.set(strToU8('model.h5'));
tar.set(strToU8('ustar'), 257);

const binaries: typeof texts = [
  [
    'a SavedModel',
    new Uint8Array(savedModel),
    /got a SavedModel of TensorFlow; load it in Keras and save it as .keras$/,
  ],
  ['a pickle', new Uint8Array([128, 4, 149, 0]), /got a PyTorch or NumPy file/],
  ['a gzip archive', gzipSync(strToU8('x'), { mtime: 0 }), /got a gzip archive; unpack it/],
  ['a tar archive', tar, /got a tar archive; unpack it/],
  ['a NumPy array', new Uint8Array([0x93, ...strToU8('NUMPY\x01\0')]), /got a PyTorch or NumPy file/],
];

const rows = (files: typeof texts, readers: Record<string, Read>) =>
  files.flatMap(([what, bytes, message]) =>
    Object.entries(readers).map(([call, read]) => [what, call, { read, bytes, message }] as const),
  );

test.each([...rows(texts, { ...byteReaders, ...textReaders }), ...rows(binaries, byteReaders)])(
  '%s is identified in the error "%s ..."',
  (_, call, { read, bytes, message }) => expectRejected(call, read, bytes, message),
);

describe('model files in another format', () => {
  const weightsFile = { write: () => toKerasWeights(model), message: /got an HDF5 file; 'lstm-wasm\/keras' reads/ };
  const hdf5 = { own: ['loadKerasModel: the file: must be', 'loadKerasWeights: the file: must be'], ...weightsFile };
  const archive = { ...hdf5, write: () => toKeras(model), message: /got a zip archive; 'lstm-wasm\/keras' reads/ };
  const onnx = {
    own: ['loadOnnxModel: the file must be'],
    write: async () => toOnnx(model),
    message: /got an ONNX file; 'lstm-wasm\/onnx' reads it$/,
  };
  const tensors = {
    own: ['readSafetensors: bytes must be'],
    write: async () => toSafetensors(model),
    message: /got a safetensors file; 'lstm-wasm\/safetensors' reads it$/,
  };

  test.each(Object.entries({ HDF5: hdf5, '.keras': archive, ONNX: onnx, safetensors: tensors }))(
    '%s files are identified by the readers of other formats',
    async (_, format) => {
      const bytes = await format.write();
      for (const [call, read] of Object.entries(byteReaders)) {
        if (!format.own.includes(call)) await expectRejected(call, read, bytes, format.message);
      }
    },
  );

  test('HDF5 and .keras files are identified by loadLayersModel', async () => {
    for (const { write, message } of [hdf5, archive]) {
      for (const [call, read] of Object.entries(textReaders)) await expectRejected(call, read, await write(), message);
    }
  });
});

test('safetensors files whose first bytes match another format are read', () => {
  // Header lengths whose bytes are '<a', and the first bytes of pickle, gzip and zip files.
  for (const length of [0x613c, 0x0280, 0x08_8b1f, 0x4b50]) {
    const bytes = new Uint8Array(8 + length).fill(0x20);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
    bytes.set(strToU8('{}'), 8);
    expect(readSafetensors(bytes).tensors).toEqual({});
  }
});
