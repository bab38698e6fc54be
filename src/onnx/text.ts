/** Prepares names from a file for error messages: short and on one line. */

const LONGEST = 60;

export const sanitize = (text: string): string => text.slice(0, LONGEST).replaceAll(/\p{C}/gu, '?');

export const quote = (text: string): string => `'${sanitize(text)}'`;
