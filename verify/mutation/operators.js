/** The mutation operators: finds every place of a source where a small fault can be planted, from the syntax alone. */

import ts from 'typescript';

/**
 * @typedef {object} Mutation
 * @property {number} start of the text that is replaced
 * @property {number} end
 * @property {string} text that replaces it
 * @property {string} what such as "12: < becomes <= in: if (rows < 4) return;", with the number of the line
 */

/** @type {Record<string, string>} */
const operators = {
  ...{ '+': '-', '-': '+', '*': '+', '/': '*', '%': '/', '+=': '-=', '-=': '+=', '*=': '+=', '/=': '*=' },
  ...{ '<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==' },
  ...{ '&&': '||', '||': '&&', '&': '|', '|': '&', '^': '&', '<<': '>>', '>>': '<<', '>>>': '<<' },
};

/** Functions of numbers and vectors, by the last part of their names. @type {Record<string, string>} */
const functions = {
  ...{ add: 'sub', sub: 'add', mul: 'add', div: 'mul', min: 'max', max: 'min', pmin: 'pmax', pmax: 'pmin' },
  ...{ lt: 'le', le: 'lt', gt: 'ge', ge: 'gt', eq: 'ne', ne: 'eq', and: 'or', or: 'and', andnot: 'and', xor: 'or' },
  ...{ ceil: 'floor', floor: 'ceil', relaxed_madd: 'relaxed_nmadd', relaxed_nmadd: 'relaxed_madd' },
};

/**
 * Every mutation of a source, in the order of the text.
 * @param {string} source
 * @returns {Mutation[]}
 */
export function mutationsOf(source) {
  const file = ts.createSourceFile('kernel.ts', source, ts.ScriptTarget.ESNext, true);
  const lines = source.split('\n');
  /** @type {Mutation[]} */
  const found = [];
  const add = (/** @type {ts.Node} */ node, /** @type {string} */ text) => {
    const start = node.getStart(file);
    const { line } = file.getLineAndCharacterOfPosition(start);
    const change = `${source.slice(start, node.end).replaceAll(/\s+/g, ' ')} ${text === ';' ? 'is dropped' : `becomes ${text}`}`;
    found.push({ start, end: node.end, text, what: `${line + 1}: ${change} in: ${lines[line]?.trim()}` });
  };
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isDecorator(node)) return;
    if (ts.isCallExpression(node) && node.expression.getText(file) === 'assert') return;
    if (ts.isExpressionStatement(node)) add(node, ';');
    if (ts.isIfStatement(node)) add(node.expression, `!(${node.expression.getText(file)})`);
    if (ts.isBinaryExpression(node)) {
      const other = operators[node.operatorToken.getText(file)];
      if (other) add(node.operatorToken, other);
    }
    if (ts.isCallExpression(node)) {
      const name = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
      const other = ts.isIdentifier(name) && functions[name.text];
      if (other) add(name, other);
    }
    if (ts.isNumericLiteral(node)) add(node, otherNumber(node.getText(file)));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Increments an integer, and increases any other number by 1 %. @param {string} text */
function otherNumber(text) {
  if (!/[.e]/i.test(text) || text.startsWith('0x')) return String(BigInt(text) + 1n);
  return String(Math.fround(Number(text) * 1.01));
}

/** @param {string} source @param {Mutation} mutation */
export const plant = (source, { start, end, text }) => source.slice(0, start) + text + source.slice(end);

/**
 * Some of the items, by a seed, in random order.
 * @template T
 * @param {readonly T[]} items
 * @param {number} count
 * @param {number} seed
 */
export function sample(items, count, seed) {
  const left = [...items];
  let state = seed;
  const chosen = [];
  while (chosen.length < count && left.length > 0) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    chosen.push(...left.splice(Math.floor((state / 2 ** 32) * left.length), 1));
  }
  return chosen;
}
