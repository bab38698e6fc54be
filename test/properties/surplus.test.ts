// Every declared function and method of the package rejects one argument too many. The list comes from the sources, so
// that new functions are included.

import { fileURLToPath } from 'node:url';
import { ValueError } from 'lstm-wasm';
import ts from 'typescript';
import { expect, test } from 'vitest';

type Callable = (...args: unknown[]) => unknown;

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const entries = {
  'lstm-wasm': 'src/index.ts',
  'lstm-wasm/data': 'src/data/index.ts',
  'lstm-wasm/forecast': 'src/forecast/index.ts',
  'lstm-wasm/keras': 'src/keras/index.ts',
  'lstm-wasm/onnx': 'src/onnx/index.ts',
  'lstm-wasm/plot': 'src/plot/node.ts',
  'lstm-wasm/predict': 'src/predict/index.ts',
  'lstm-wasm/safetensors': 'src/safetensors/index.ts',
  'lstm-wasm/scale': 'src/scale/index.ts',
  'lstm-wasm/worker': 'src/worker/index.ts',
};

/** Methods of callbacks and of custom layers, which the package calls and programs override. */
const callbackMethods =
  /^(set(Params|Model|State)|getState|findSnapshot|on[A-Z]\w*|build|call|computeOutputShape|computeMask)$/;

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(path('tsconfig.json'), ts.sys.readFile).config,
  ts.sys,
  path('.'),
);
const program = ts.createProgram(Object.values(entries).map(path), options);
const checker = program.getTypeChecker();

/** The maximum number of arguments over all signatures of a type; null for any number, or if it is no function. */
function mostOf(type: ts.Type): number | null {
  const signatures = type.getCallSignatures();
  const rest = signatures.some(({ declaration }) =>
    declaration?.parameters.some(one => ts.isParameter(one) && one.dotDotDotToken),
  );
  if (signatures.length === 0 || rest) return null;
  return Math.max(...signatures.map(({ parameters }) => parameters.length));
}

const isInternal = (symbol: ts.Symbol) => symbol.getJsDocTags().some(({ name }) => name === 'internal');

type Found = [name: string, most: number, call: (args: unknown[]) => unknown];

function* within(name: string, symbol: ts.Symbol, value: unknown): Generator<Found> {
  const declaration = symbol.declarations![0]!;
  const type = checker.getTypeOfSymbolAtLocation(symbol, declaration);
  const most = mostOf(type);
  if (most !== null) yield [name, most, args => (value as Callable)(...args)];
  if (ts.isClassDeclaration(declaration)) {
    const { prototype } = value as { prototype: Record<string, unknown> };
    for (const member of checker.getDeclaredTypeOfSymbol(symbol).getProperties()) {
      const declared = member.declarations?.[0];
      // Chained methods of tensors are declared in an interface
      const isMethod = declared && (ts.isMethodDeclaration(declared) || ts.isMethodSignature(declared));
      if (!isMethod || member.name.startsWith('__') || member.name.startsWith('#')) continue;
      if (
        isInternal(member) ||
        callbackMethods.test(member.name) ||
        ts.getCombinedModifierFlags(declared) & ts.ModifierFlags.Protected
      ) {
        continue;
      }
      const takes = mostOf(checker.getTypeOfSymbolAtLocation(member, declared));
      const method = prototype[member.name] as Callable;
      if (takes !== null) yield [`${name}.${member.name}`, takes, args => method.apply(Object.create(prototype), args)];
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const member of type.getProperties()) {
      if (member.declarations && !isInternal(member)) {
        yield* within(`${name}.${member.name}`, member, (value as Record<string, unknown>)[member.name]);
      }
    }
  }
}

const found: Found[] = [];
for (const [entry, file] of Object.entries(entries)) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(path(file))!)!;
  const values = (await import(entry)) as Record<string, unknown>;
  for (const symbol of checker.getExportsOfModule(module)) {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (!(symbol.name in values) || target.flags & ts.SymbolFlags.ValueModule) continue;
    found.push(...within(`${entry}: ${symbol.name}`, target, values[symbol.name]));
  }
  if (entry === 'lstm-wasm') {
    const layers = checker.getExportsOfModule(module).find(({ name }) => name === 'layers')!;
    const factories = values.layers as Record<string, unknown>;
    for (const symbol of checker.getExportsOfModule(checker.getAliasedSymbol(layers))) {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      found.push(...within(`layers.${symbol.name}`, target, factories[symbol.name]));
    }
  }
}

test('the sources declare hundreds of functions and methods', () => {
  expect(found.length).toBeGreaterThan(250);
});

test.each(found)('%s takes %i arguments and rejects one more', async (_, most, call) => {
  const given = (last: unknown) => [...new Array<undefined>(most).fill(undefined), last];
  const outcome = async (args: unknown[]) => {
    try {
      await call(args);
      return null;
    } catch (error) {
      return error;
    }
  };
  const error = await outcome(given({ surplus: 1 }));
  expect(error).toBeInstanceOf(ValueError);
  const takes = most === 0 ? 'no argument' : most === 1 ? 'one argument' : `at most ${most} arguments`;
  expect((error as Error).message).toContain(`takes ${takes}, got { surplus } as argument ${most + 1}`);
});
