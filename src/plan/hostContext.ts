/** The call that runs custom layers. */

/** The public call that runs a plan with custom layers. */
export interface HostContext {
  /** Its name, for error messages. */
  readonly call: string;
  /** Throws if code of the user has changed what the plan depends on. */
  check(): void;
}

let context: HostContext | null = null;

/** The call that is running a plan with custom layers; null if there is none. */
export const hostContext = (): HostContext | null => context;

/** Runs a plan for a call. */
export function inHostContext<T>(own: HostContext, run: () => T): T {
  const outer = context;
  context = own;
  try {
    return run();
  } finally {
    context = outer;
  }
}
