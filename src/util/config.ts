/** What things are made of, as plain data: options by their names, and the objects among them with their class. */

export type ConfigValue = string | number | boolean | null | readonly ConfigValue[] | Config;

export interface Config {
  readonly [name: string]: ConfigValue;
}

/** What can be written down, and made anew from that. */
export interface Describable {
  /** The name Keras gives its class. */
  readonly className: string;
  /** Its options. */
  getConfig(): Config;
}

/** An object as plain data. */
export interface Described extends Config {
  readonly className: string;
  readonly config: Config;
}

export function describe(thing: Describable): Described;
export function describe(thing: Describable | null): Described | null;
export function describe(thing: Describable | null): Described | null {
  return thing && { className: thing.className, config: thing.getConfig() };
}

const toSnake = (name: string) =>
  name
    .replace(/(.)([A-Z][a-z0-9]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

const toCamel = (name: string) => name.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A choice in the spelling of JavaScript: Keras's fan_in as fanIn. */
export const fromSnake = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Names that somebody chose, or that Python writes as we do. */
const asTheyAre = ['name', 'className'];

/** As Python, and so model files, spell it: names and choices in snake_case. */
export function toPython(value: ConfigValue): ConfigValue {
  if (typeof value === 'string') return toSnake(value);
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(toPython);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      toSnake(name),
      asTheyAre.includes(name) && typeof item === 'string' ? item : toPython(item),
    ]),
  );
}

/** The other way round, for names alone: choices are accepted in both spellings. */
export function fromPython(value: ConfigValue): ConfigValue {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(fromPython);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [toCamel(name), fromPython(item)]));
}

const isList = (value: object): value is readonly ConfigValue[] => Array.isArray(value);
