/** Tests that measure time are retried, because other processes may slow the machine. */
export const onClock = { retry: 3 };
