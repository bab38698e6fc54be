/** A strict parser for the XML of charts; the parsers of documents in Node accept invalid XML. */

const name = '[a-zA-Z][\\w:-]*';
const text = '(?:[^<>&]|&(?:amp|lt|gt|quot);)*';
const token = new RegExp(`<(${name})((?: ${name}="${text.replace('<>', '<>"')}")*)(/?)>|</(${name})>|(${text})`, 'y');

export interface Tag {
  name: string;
  attributes: Record<string, string>;
}

/** All tags in order. Throws if the text is not well-formed. */
export function parseXML(xml: string): Tag[] {
  const tags: Tag[] = [];
  const open: string[] = [];
  for (token.lastIndex = 0; token.lastIndex < xml.length; ) {
    const at = token.lastIndex;
    const [all, opened, attributes = '', empty, closed] = token.exec(xml) ?? [''];
    if (all === '') throw new Error(`not well-formed at ${at}: ${xml.slice(at, at + 60)}`);
    if (opened !== undefined) tags.push({ name: opened, attributes: parseAttributes(attributes) });
    if (opened !== undefined && !empty) open.push(opened);
    if (closed !== undefined && open.pop() !== closed) throw new Error(`</${closed}> at ${at} closes another element`);
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is never closed`);
  return tags;
}

function parseAttributes(source: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, key, value] of source.matchAll(/ ([\w:-]+)="([^"]*)"/g)) {
    if (key! in attributes) throw new Error(`attribute ${key} is given twice`);
    attributes[key!] = value!;
  }
  return attributes;
}
