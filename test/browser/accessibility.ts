/**
 * What can be said about accessibility without a library for it. Runs inside the page, and so it uses nothing from
 * outside of itself. Returns a sentence for each fault.
 */
export function accessibilityFaults(): string[] {
  const faults: string[] = [];
  const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
  const name = (element: Element) =>
    `<${element.localName} id="${element.id}" class="${element.getAttribute('class')}">`;

  if (!document.documentElement.lang) faults.push('the page has no language');
  if (!document.title) faults.push('the page has no title');
  for (const once of ['h1', 'main']) {
    if (all(once).length !== 1) faults.push(`the page has ${all(once).length} <${once}>`);
  }

  let level = 0;
  for (const heading of all('h1, h2, h3, h4, h5, h6')) {
    const own = Number(heading.localName[1]);
    if (own > level + 1) faults.push(`${name(heading)} follows a heading of level ${level}`);
    level = own;
  }

  for (const control of all('button, input, select, textarea, a[href], [tabindex], [role=button], [role=slider]')) {
    const labels = [...((control as HTMLInputElement).labels ?? [])].map(label => label.textContent);
    const text = [control.getAttribute('aria-label'), ...labels, control.textContent].join('').trim();
    if (!text) faults.push(`${name(control)} has no name`);
  }
  for (const picture of all('svg, img, [role=img]')) {
    const text = picture.getAttribute('aria-label') ?? picture.getAttribute('alt');
    if (!text) faults.push(`${name(picture)} has no name`);
  }
  for (const group of all('fieldset')) {
    if (!group.querySelector('legend')?.textContent) faults.push(`${name(group)} has no legend`);
  }

  const ids = all('[id]').map(({ id }) => id);
  // Charts of one size clip by paths of one name, which are the same path.
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i && !id.startsWith('lw-clip-'));
  for (const id of twice) faults.push(`the id "${id}" is used twice`);
  for (const element of all('[aria-labelledby], [for]')) {
    const target = element.getAttribute('aria-labelledby') ?? element.getAttribute('for');
    if (!ids.includes(target!)) faults.push(`${name(element)} points to "${target}", which is not there`);
  }

  // Contrast, WCAG 2 level AA, of everything with words of its own.
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string) => {
    const [r, g, b] = channels(colour).map(value => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const background = (element: Element | null): string => {
    if (!element) return 'rgb(255, 255, 255)';
    const { backgroundColor } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 0 ? background(element.parentElement) : backgroundColor;
  };
  for (const element of all('body *')) {
    const words = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent?.trim());
    if (!words || element.closest('style, script, noscript, :disabled')) continue;
    const style = getComputedStyle(element);
    const colour = element.namespaceURI?.endsWith('svg') ? style.fill : style.color;
    // In a diagram, words drawn right after a shape stand on it.
    const shape = element.matches('rect + text, circle + text, ellipse + text') && element.previousElementSibling;
    const paper = shape ? getComputedStyle(shape).fill : background(element);
    const [dark, light] = [luminance(colour), luminance(paper)].sort((a, b) => a - b);
    const ratio = (light! + 0.05) / (dark! + 0.05);
    const needed = Number.parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (ratio < needed) faults.push(`${name(element)} "${element.textContent}" has a contrast of ${ratio.toFixed(2)}`);
  }
  return faults;
}
