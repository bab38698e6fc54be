/** The settings as controls, with messages at the fields. */

import { copy } from './clipboard.ts';
import { setText } from './element.ts';
import { hasRival, type Reading, ranges, readRate, readWhole, type Settings, type WholeName } from './settings.ts';

const form = document.getElementById('settings-form') as HTMLFormElement;
const said = document.getElementById('settings-said') as HTMLElement;
const place = document.getElementById('settings') as HTMLDetailsElement;
const control = (name: string) => form.elements.namedItem(name) as HTMLInputElement;

const wholes = Object.keys(ranges) as WholeName[];
const flags = ['stateful', 'beside'] as const;
const isFlag = (name: string): name is (typeof flags)[number] => flags.some(each => each === name);

export interface Panel {
  show(settings: Settings): void;
  /** Shows a message about all settings. */
  say(sentence: string): void;
  /** Removes all messages. */
  clear(): void;
}

/** @param changed called with new, valid settings */
export function panel(now: () => Settings, changed: (settings: Settings) => void): Panel {
  const say = (sentence: string) => {
    setText(said, sentence);
    // On narrow pages the panel may be closed, and the message would not be seen.
    if (sentence) place.open = true;
  };
  /** Shows a message below a field; an empty one removes it. */
  const mark = (input: HTMLInputElement, fault: string) => {
    const note = faultOf(input);
    if (!note) return;
    setText(note, fault);
    if (fault) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  const clear = () => {
    say('');
    for (const input of form.querySelectorAll('input')) mark(input, '');
  };
  const show = (settings: Settings) => {
    for (const name of ['cell', 'optimizer', 'learningRate', ...wholes] as const) {
      control(name).value = String(settings[name]);
    }
    for (const name of flags) control(name).checked = settings[name];
    control('beside').disabled = settings.cell === 'simpleRNN' && !hasRival(settings);
    for (const slider of sliders()) showValue(slider);
  };

  form.addEventListener('input', ({ target }) => {
    const input = target as HTMLInputElement;
    if (input.type === 'range') showValue(input);
  });
  form.addEventListener('change', ({ target }) => {
    const input = target as HTMLInputElement;
    const { name, value, checked } = input;
    if (!Object.hasOwn(now(), name)) return;
    const before = now();
    let after = { ...before, [name]: value };
    clear();
    if (isFlag(name)) after = { ...before, [name]: checked };
    else if (name !== 'cell' && name !== 'optimizer') {
      const reading = read(name, value, before);
      mark(input, reading.fault);
      after = { ...before, [name]: reading.value };
    }
    show(after);
    if (JSON.stringify(after) !== JSON.stringify(before)) changed(after);
  });
  form.addEventListener('submit', event => event.preventDefault());

  document.getElementById('another-seed')!.addEventListener('click', () => {
    const [seed] = crypto.getRandomValues(new Uint16Array(1));
    const after = { ...now(), seed: seed! };
    clear();
    show(after);
    changed(after);
  });
  document.getElementById('copy-link')!.addEventListener('click', async () => {
    say(
      (await copy(location.href)) ? 'The link was copied. It repeats this run exactly.' : `The link: ${location.href}`,
    );
  });

  // The panel is open where there is room beside the run.
  const wide = matchMedia('(min-width: 1000px)');
  const unfold = () => {
    place.open = wide.matches;
  };
  wide.addEventListener('change', unfold);
  unfold();

  return { show, say, clear };
}

const read = (name: string, text: string, before: Settings): Reading =>
  name === 'learningRate'
    ? readRate(text, before.learningRate)
    : readWhole(name as WholeName, text, before[name as WholeName]);

const sliders = () => form.querySelectorAll<HTMLInputElement>('input[type="range"]');
const showValue = (slider: HTMLInputElement) =>
  setText(form.querySelector<HTMLElement>(`output[for="${slider.id}"]`)!, slider.value);

/** The place for messages of a field, which its `aria-describedby` names. */
const faultOf = ({ id }: HTMLInputElement) => (id ? document.getElementById(`${id}-fault`) : null);
