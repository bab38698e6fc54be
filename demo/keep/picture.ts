/** Charts as PNG files. */

const scale = 2;

/** Fixes the theme of a chart that follows the system. */
export const resolved = (svg: string, dark: boolean): string =>
  svg.replace(/@media\s*\(prefers-color-scheme:\s*dark\)\s*\{((?:[^{}]*\{[^{}]*\})*)\s*\}/g, (_, rules: string) =>
    dark ? rules : '',
  );

/** At twice the size of the chart on the page. */
export async function pngOf(svg: string): Promise<Blob> {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const url = URL.createObjectURL(new Blob([resolved(svg, dark)], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob(blob => (blob ? resolve(blob) : reject(new Error('there is too little memory'))), 'image/png');
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
