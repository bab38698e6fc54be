/** What looks at a clock is tried again when it came too late: others may be at work on the same machine. */
export const onClock = { retry: 3 };
