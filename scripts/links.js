/** Checks the links inside a site: each must lead to a file of it and, with a hash, to an id in that page. */

import { readdirSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { parseHTML } from 'linkedom';
import { fileOf } from '../verify/serve.js';

/**
 * @param {string} folder without a slash at its end
 * @returns {{ pages: number, links: number, dead: string[] }} dead: "page -> link"
 */
export function checkLinks(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => name.replaceAll(sep, '/'));
  const pages = names.filter(name => name.endsWith('.html'));
  const read = new Map(pages.map(page => [`${folder}${sep}${page.replaceAll('/', sep)}`, readPage(folder, page)]));
  let links = 0;
  const dead = [];
  for (const { page, targets } of read.values()) {
    for (const target of targets) {
      const url = new URL(target, `http://site/${page}`);
      if (url.origin !== 'http://site') continue;
      links++;
      const file = fileOf(folder, url.pathname);
      const place = decodeURIComponent(url.hash.slice(1));
      const found = file !== null && (place === '' || (read.get(file)?.places.has(place) ?? true));
      if (!found) dead.push(`${page} -> ${target}`);
    }
  }
  return { pages: pages.length, links, dead };
}

/** @param {string} folder @param {string} page */
function readPage(folder, page) {
  const { document } = parseHTML(readFileSync(`${folder}/${page}`, 'utf8'));
  /** @param {string} attribute @returns {string[]} */
  const all = attribute =>
    [...document.querySelectorAll(`[${attribute}]`)].map(element => element.getAttribute(attribute) ?? '');
  const targets = new Set([...all('href'), ...all('src')].filter(target => target !== ''));
  return { page, targets: [...targets], places: new Set([...all('id'), ...all('name')]) };
}
