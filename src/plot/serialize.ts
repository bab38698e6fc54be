/**
 * Serializes an SVG element as a standalone file, with the same text in every host. The hosts' own serializers differ:
 * `outerHTML` in a page is HTML rather than XML, and documents in Node order attributes differently.
 */

const xmlns = 'http://www.w3.org/2000/svg';
const textNode = 3;
const elementNode = 1;

export function serialize(svg: Element): string {
  return `${write(svg, ` xmlns="${xmlns}"`)}\n`;
}

function write(element: Element, extra = ''): string {
  const name = element.nodeName;
  const children = [...element.childNodes].map(writeChild).join('');
  const open = `<${name}${extra}${attributes(element)}`;
  return children === '' ? `${open}/>` : `${open}>${children}</${name}>`;
}

/** Omits hidden elements, which charts keep for later updates. */
function writeChild(node: Node): string {
  if (node.nodeType === textNode) return escapeText(node.textContent ?? '');
  if (node.nodeType !== elementNode || (node as Element).getAttribute('display') === 'none') return '';
  return write(node as Element);
}

function attributes(element: Element): string {
  return [...element.attributes]
    .filter(({ name }) => !/^(xmlns|version$|data-svgjs|svgjs:)/.test(name))
    .map(({ name, value }) => ` ${name}="${escapeText(value)}"`)
    .sort()
    .join('');
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes text, and drops characters that XML cannot contain: most control characters and lone surrogates. */
function escapeText(text: string): string {
  const allowed = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '');
  return allowed.replace(/[&<>"]/g, character => entities[character]!);
}
