/**
 * Parses the header of a safetensors file: JSON of the form `{ name: { dtype, shape, data_offsets }, ... }`, with a map
 * of strings under `__metadata__`.
 *
 * `JSON.parse` is not used, because it accepts duplicate names and numbers such as 1e1, which the format forbids. The
 * fixed form also limits the nesting depth.
 */

import { fail, show } from '../util/errors.ts';

/** The description of a tensor in the header, not yet checked against the data. */
export interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The positions of its first byte and of the byte after its last, from the start of the data. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** The reserved name of the metadata. */
export const METADATA = '__metadata__';

const fields = ['dtype', 'shape', 'data_offsets'];

/** Quotes a name for an error message, on one line. */
export const quote = (name: string): string => show(JSON.stringify(name).slice(1, -1));

/** A lone surrogate, which UTF-8 cannot encode. */
const LONE = /\p{Surrogate}/u;

/** Whether a string can be encoded in a header. */
export const isWellFormed = (text: string): boolean => !LONE.test(text);

/** @param text must begin with a brace */
export function parseHeader(call: string, text: string): Header {
  return new HeaderParser(call, text).read();
}

class HeaderParser {
  readonly #call: string;
  readonly #text: string;
  #at = 0;
  /** The current part of the header, for error messages. */
  #part = 'header';

  constructor(call: string, text: string) {
    this.#call = call;
    this.#text = text;
  }

  read(): Header {
    const entries: Entry[] = [];
    let metadata: ReadonlyMap<string, string> = new Map();
    this.#object(name => {
      this.#part = `header.${quote(name)}`;
      if (name === METADATA) metadata = this.#metadata();
      else entries.push(this.#entry(name));
      this.#part = 'header';
    });
    if (this.#peek() !== '') this.#fail('the end');
    return { entries, metadata };
  }

  #metadata(): Map<string, string> {
    const metadata = new Map<string, string>();
    this.#object(name => {
      metadata.set(name, this.#string());
    });
    return metadata;
  }

  #entry(name: string): Entry {
    let dtype: string | undefined;
    let shape: number[] | undefined;
    let offsets: number[] | undefined;
    this.#object(field => {
      if (field === 'dtype') dtype = this.#string();
      else if (field === 'shape') shape = this.#integers();
      else if (field === 'data_offsets') offsets = this.#integers();
      else fail(this.#call, `${this.#part} must have only ${fields.join(', ')}, got ${quote(field)}`);
    });
    if (dtype === undefined || !shape || offsets?.length !== 2) {
      const rule = `must have ${fields.join(', ')}, the last of two numbers`;
      fail(this.#call, `${this.#part} ${rule}, got ${show({ dtype, shape, data_offsets: offsets })}`);
    }
    const [begin, end] = offsets as [number, number];
    return { name, dtype, shape, begin, end };
  }

  /** Reads `{ name: value, ... }`; the callback reads each value. */
  #object(value: (name: string) => void): void {
    const names = new Set<string>();
    this.#expect('{');
    for (let more = this.#peek() !== '}'; more; more = this.#comma()) {
      const name = this.#string();
      if (names.has(name)) fail(this.#call, `${this.#part} must have unique names, got ${quote(name)} twice`);
      names.add(name);
      this.#expect(':');
      value(name);
    }
    this.#expect('}');
  }

  /** Reads `[1, 2, ...]`, a list of integers. */
  #integers(): number[] {
    const list: number[] = [];
    this.#expect('[');
    for (let more = this.#peek() !== ']'; more; more = this.#comma()) list.push(this.#integer());
    this.#expect(']');
    return list;
  }

  #comma(): boolean {
    if (this.#peek() !== ',') return false;
    this.#at++;
    return true;
  }

  #integer(): number {
    this.#peek();
    const from = this.#at;
    while (/[-+.\w]/.test(this.#text.charAt(this.#at))) this.#at++;
    const digits = this.#text.slice(from, this.#at);
    const value = Number(digits);
    if (!/^(0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value)) {
      this.#at = from;
      const rule = 'must have integers from 0 to 2^53 - 1 in its lists';
      fail(this.#call, `${this.#part} ${rule}, got ${digits ? quote(digits) : this.#found()}`);
    }
    return value;
  }

  #string(): string {
    if (this.#peek() !== '"') this.#fail('a string');
    const from = this.#at;
    let end = from;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0)
        fail(this.#call, `${this.#part} must close its strings, got an unterminated one at character ${from}`);
    } while (this.#isEscaped(end));
    this.#at = end + 1;
    const value = parseString(this.#text.slice(from, end + 1));
    if (value === null || !isWellFormed(value)) {
      fail(this.#call, `${this.#part} must have valid JSON strings, got another at character ${from}`);
    }
    return value;
  }

  /** Whether an odd number of backslashes precedes a quotation mark. */
  #isEscaped(end: number): boolean {
    let from = end;
    while (this.#text[from - 1] === '\\') from--;
    return (end - from) % 2 === 1;
  }

  /** The next character other than white space; '' at the end. */
  #peek(): string {
    while (' \n\r\t'.includes(this.#text[this.#at] ?? '.')) this.#at++;
    return this.#text.charAt(this.#at);
  }

  #expect(character: string): void {
    if (this.#peek() !== character) this.#fail(`'${character}'`);
    this.#at++;
  }

  #fail(wanted: string): never {
    fail(this.#call, `${this.#part} must have ${wanted} at character ${this.#at}, got ${this.#found()}`);
  }

  #found(): string {
    return this.#at < this.#text.length ? quote(this.#text.charAt(this.#at)) : 'the end of the header';
  }
}

function parseString(text: string): string | null {
  try {
    return JSON.parse(text) as string;
  } catch {
    return null;
  }
}
