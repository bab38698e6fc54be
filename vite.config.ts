import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const entry = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

/** The package: one file for each subpath. The AssemblyScript loader travels inside, the drawing libraries do not. */
export default defineConfig({
  build: {
    target: 'es2023',
    outDir: 'dist',
    minify: false,
    sourcemap: true,
    lib: {
      entry: {
        index: entry('index.ts'),
        data: entry('data/index.ts'),
        keras: entry('keras/index.ts'),
        onnx: entry('onnx/index.ts'),
        plot: entry('plot/index.ts'),
        'plot-node': entry('plot/node.ts'),
        safetensors: entry('safetensors/index.ts'),
        turbo: entry('turbo.ts'),
      },
      formats: ['es'],
    },
    rolldownOptions: {
      external: [/^node:/, '@svgdotjs/svg.js', 'd3-scale', 'fflate', 'h5wasm', 'linkedom', 'pbf'],
    },
  },
});
