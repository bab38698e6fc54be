/** The settings as controls. */

import { copy } from './clipboard.ts';
import { ranges, readRate, readWhole, type Settings, type WholeName } from './settings.ts';

const form = document.getElementById('settings-form') as HTMLFormElement;
const said = document.getElementById('settings-said') as HTMLElement;
const place = document.getElementById('settings') as HTMLDetailsElement;
const control = (name: string) => form.elements.namedItem(name) as HTMLInputElement;

const wholes = Object.keys(ranges) as WholeName[];

/** @param changed is told new settings, of which all can be used */
export function panel(
  now: () => Settings,
  changed: (settings: Settings) => void,
): { show(settings: Settings): void; say(sentence: string): void } {
  const say = (sentence: string) => {
    said.textContent = sentence;
    // Below the run the panel may be folded, and what is wrong with a link would go unseen
    if (sentence) place.open = true;
  };
  const show = (settings: Settings) => {
    for (const name of ['cell', 'optimizer', 'learningRate', ...wholes] as const) {
      control(name).value = String(settings[name]);
    }
    control('stateful').checked = settings.stateful;
  };

  form.addEventListener('change', event => {
    const before = now();
    const { name, value, checked } = event.target as HTMLInputElement;
    let after = before;
    let fault = '';
    if (name === 'stateful') after = { ...before, stateful: checked };
    else if (name === 'cell' || name === 'optimizer') after = { ...before, [name]: value };
    else {
      const reading =
        name === 'learningRate'
          ? readRate(value, before.learningRate)
          : readWhole(name as WholeName, value, before[name as WholeName]);
      fault = reading.fault;
      after = { ...before, [name]: reading.value };
    }
    say(fault);
    show(after);
    if (JSON.stringify(after) !== JSON.stringify(before)) changed(after);
  });
  form.addEventListener('submit', event => event.preventDefault());

  document.getElementById('another-seed')!.addEventListener('click', () => {
    const [seed] = crypto.getRandomValues(new Uint16Array(1));
    const after = { ...now(), seed: seed! };
    say('');
    show(after);
    changed(after);
  });
  document.getElementById('copy-link')!.addEventListener('click', async () => {
    say(
      (await copy(location.href)) ? 'The link is copied. It repeats this run exactly.' : `The link: ${location.href}`,
    );
  });

  // Beside the run there is room for it; below the run, readers open it.
  const wide = matchMedia('(min-width: 1000px)');
  const unfold = () => {
    place.open = wide.matches;
  };
  wide.addEventListener('change', unfold);
  unfold();

  return { show, say };
}
