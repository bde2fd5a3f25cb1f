// Builds ../dist, which the server embeds: fixed names, gzip, the same bytes wherever it runs.

import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { gzip } from 'pako';

import { questions } from '../../../../client-examples/graphiql/questions.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(root, '..', 'dist');
const local = (file) => path.join(root, 'src', file);

/** Modules that are replaced; why, each replacement says. */
const replacements = [
  [/(^|\/)monaco-editor\/esm\/vs\/editor\/edcore\.main\.js$/, { path: local('monaco.js') }],
  [/\/(diffEditor\/diffEditorWidget|multiDiffEditor\/multiDiffEditorWidget)\.js$/, { path: local('monaco-diff.js') }],
  [/^prettier\/(plugins\/estree|parser-babel)$/, { path: local('prettier-json.js') }],
];

/** Prettier in a file of its own, loaded on demand by the page and by the worker. */
const onDemand = /^prettier\/(standalone|plugins\/graphql|parser-graphql)$/;

const replace = {
  name: 'replace',
  setup({ onResolve }) {
    for (const [filter, result] of replacements) onResolve({ filter }, () => result);
    onResolve({ filter: onDemand }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './prettier.js', external: true } : undefined,
    );
  },
};

/**
 * Makes dynamic imports static where everything is in one file anyway: esbuild wraps what is imported
 * dynamically, with all that it imports in turn, and can leave nothing of it out.
 */
const hoist = {
  name: 'hoist',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/(@graphiql|monaco-graphql|monaco-editor)\/.*\.js$/ }, async ({ path: name }) => {
      const imports = [];
      const source = await readFile(name, 'utf8');
      const body = source.replaceAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g, (found, specifier) => {
        if (onDemand.test(specifier)) return found;
        imports.push(`import * as hoisted${imports.length} from '${specifier}';`);
        return `Promise.resolve(hoisted${imports.length - 1})`;
      });
      if (imports.length === 0) return undefined;
      return { contents: [...imports, body].join('\n'), loader: 'js' };
    });
  },
};

/** GraphiQL makes its icons' titles, which users see, from the names of functions, which minification changes. */
const icons = {
  name: 'icons',
  setup({ onLoad }) {
    onLoad({ filter: /\/@graphiql\/react\/dist\/icons\/index\.js$/ }, async ({ path: name }) => {
      const source = await readFile(name, 'utf8');
      const contents = source.replaceAll(
        /\bgenerateIcon\((Svg\w+)\)/g,
        "generateIcon(Object.defineProperty($1, 'name', { value: '$1' }))",
      );
      return contents === source ? { errors: [{ text: 'found no icons' }] } : { contents, loader: 'js' };
    });
  },
};

/** The admins' questions are a file of their own, so that another question does not change the whole page. */
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/questions\.js$/ }, ({ path: name }) => ({ path: name, external: true }));
  },
};

const fontNames = new Map([
  ['roboto-latin-400-normal.woff2', 'roboto-400.woff2'],
  ['roboto-latin-500-normal.woff2', 'roboto-500.woff2'],
  ['fira-code-latin-400-normal.woff2', 'fira-code-400.woff2'],
]);

/** Fonts keep short names that do not change with their content. */
const fonts = {
  name: 'fonts',
  setup({ onResolve }) {
    onResolve({ filter: /\.woff2$/ }, ({ path: name }) => {
      const short = fontNames.get(path.basename(name));
      return short ? { path: `./${short}`, external: true } : { errors: [{ text: `${name} has no name in dist` }] };
    });
  },
};

const result = await build({
  absWorkingDir: root,
  entryPoints: {
    graphiql: 'src/graphiql.jsx',
    worker: 'src/worker.js',
    prettier: 'src/prettier.js',
  },
  outdir: 'out',
  write: false,
  metafile: true,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome110', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.ttf': 'file' },
  assetNames: '[name]',
  charset: 'utf8',
  // The licences of everything that is in the bundles go into licenses.txt instead.
  legalComments: 'none',
  plugins: [replace, icons, hoist, apart, fonts],
  logLevel: 'warning',
});

const files = new Map(result.outputFiles.map(({ path: name, contents }) => [path.basename(name), contents]));
files.set('questions.js', Buffer.from(`export const questions = ${JSON.stringify(questions, null, 1)};\n`));
files.set('index.html', await readFile(local('index.html')));
for (const [name, short] of fontNames) {
  const family = name.startsWith('roboto') ? 'roboto' : 'fira-code';
  files.set(short, await readFile(path.join(root, 'node_modules/@fontsource', family, 'files', name)));
}
files.set('licenses.txt', Buffer.from(await licenses()));

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
let total = 0;
for (const [name, contents] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
  // What `gzip -9 -n` writes. Not with node's zlib, whose output depends on its version and on the processor.
  const compressed = gzip(contents, { level: 9 });
  await writeFile(path.join(dist, `${name}.gz`), compressed);
  total += compressed.length;
  console.log(`${name.padEnd(22)} ${String(contents.length).padStart(9)} ${String(compressed.length).padStart(9)}`);
}
console.log(`${'total, compressed'.padEnd(32)} ${String(total).padStart(9)}`);

/** Names, versions and licence texts of all packages that went into the output. */
async function licenses() {
  const packages = new Set(['node_modules/@fontsource/roboto', 'node_modules/@fontsource/fira-code']);
  const outputs = Object.values(result.metafile.outputs);
  for (const input of outputs.flatMap(({ inputs }) => Object.keys(inputs))) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) packages.add(found[1]);
  }
  const texts = [];
  for (const directory of [...packages].sort()) {
    const manifest = JSON.parse(await readFile(path.join(root, directory, 'package.json'), 'utf8'));
    const author = manifest.author?.name ?? manifest.author;
    const title = `${manifest.name} ${manifest.version} (${manifest.license})${author ? `, ${author}` : ''}`;
    const entries = (await readdir(path.join(root, directory))).sort();
    const notices = entries.filter((entry) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(entry));
    const parts = await Promise.all(notices.map((entry) => readFile(path.join(root, directory, entry), 'utf8')));
    texts.push([title, ...parts.map((part) => part.replaceAll('\r\n', '\n').trim())].join('\n\n'));
  }
  return `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
