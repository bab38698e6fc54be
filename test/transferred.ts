/** Detaches the buffer of a typed array, as `postMessage` with a transfer list does. */
export function transferred<T extends ArrayBufferView>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}
