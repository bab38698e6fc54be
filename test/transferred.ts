/** A typed array whose memory has gone elsewhere, as by `postMessage`. */
export function transferred<T extends ArrayBufferView>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}
