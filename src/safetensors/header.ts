/**
 * The header of a safetensors file: JSON of one fixed form, `{ name: { dtype, shape, data_offsets }, ... }`, and a map
 * of strings under `__metadata__`.
 *
 * It is read by a parser of its own. `JSON.parse` keeps the last of two equal names in silence and takes 1e1 for 10,
 * both of which the format forbids; and what has no other form cannot be nested deeper than this form is.
 */

import { fail, show } from '../util/errors.ts';

/** What the header says of a tensor, not yet held against the data. */
export interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the start of the data to its first byte, and to the one behind its last. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** The one name that no tensor can have. */
export const METADATA = '__metadata__';

const fields = ['dtype', 'shape', 'data_offsets'];

/** A name in a message: on one line, whatever it is made of. */
export const quote = (name: string): string => show(JSON.stringify(name).slice(1, -1));

/** Half of a character, which UTF-8 has no bytes for. */
const LONE = /\p{Surrogate}/u;

/** Whether a string can be written into a header. */
export const isWhole = (text: string): boolean => !LONE.test(text);

/** @param text begins with a brace; what it stands for is checked as far as the text alone can tell */
export function parseHeader(call: string, text: string): Header {
  return new HeaderParser(call, text).read();
}

class HeaderParser {
  readonly #call: string;
  readonly #text: string;
  #at = 0;
  /** Where in the header this is, for messages. */
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
      else if (field === 'shape') shape = this.#wholes();
      else if (field === 'data_offsets') offsets = this.#wholes();
      else fail(this.#call, `${this.#part} must hold ${fields.join(', ')} and nothing else, got ${quote(field)}`);
    });
    if (dtype === undefined || !shape || offsets?.length !== 2) {
      const rule = `must hold ${fields.join(', ')}, the last of two numbers`;
      fail(this.#call, `${this.#part} ${rule}, got ${show({ dtype, shape, data_offsets: offsets })}`);
    }
    const [begin, end] = offsets as [number, number];
    return { name, dtype, shape, begin, end };
  }

  /** `{ name: value, ... }`; each value is read by the callback. */
  #object(value: (name: string) => void): void {
    const names = new Set<string>();
    this.#expect('{');
    for (let more = this.#peek() !== '}'; more; more = this.#goesOn()) {
      const name = this.#string();
      if (names.has(name)) fail(this.#call, `${this.#part} must hold every name once, got ${quote(name)} twice`);
      names.add(name);
      this.#expect(':');
      value(name);
    }
    this.#expect('}');
  }

  /** `[1, 2, ...]` of whole numbers, written as such. */
  #wholes(): number[] {
    const list: number[] = [];
    this.#expect('[');
    for (let more = this.#peek() !== ']'; more; more = this.#goesOn()) list.push(this.#whole());
    this.#expect(']');
    return list;
  }

  #goesOn(): boolean {
    if (this.#peek() !== ',') return false;
    this.#at++;
    return true;
  }

  #whole(): number {
    this.#peek();
    const from = this.#at;
    while (/[-+.\w]/.test(this.#text.charAt(this.#at))) this.#at++;
    const digits = this.#text.slice(from, this.#at);
    const value = Number(digits);
    if (!/^(0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(value)) {
      this.#at = from;
      const rule = 'must have whole numbers from 0 to 2^53 - 1 in its lists';
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
        fail(this.#call, `${this.#part} must end its strings, got one from character ${from} on without end`);
    } while (this.#isEscaped(end));
    this.#at = end + 1;
    const value = parseString(this.#text.slice(from, end + 1));
    if (value === null || !isWhole(value)) {
      fail(this.#call, `${this.#part} must have strings of JSON, got another at character ${from}`);
    }
    return value;
  }

  /** Whether an odd number of backslashes stands before a quotation mark. */
  #isEscaped(end: number): boolean {
    let from = end;
    while (this.#text[from - 1] === '\\') from--;
    return (end - from) % 2 === 1;
  }

  /** The next character that is no space; '' at the end. */
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
