// What a change is held to, without a server: node tools/check.mjs
import { spawnSync } from 'node:child_process';

const STEPS = [
  ['the generated code is current', 'graphql-codegen', '--check'],
  ['types', 'tsc', '--noEmit'],
  ['lint and format', 'biome', 'ci', '--error-on-warnings'],
  ['unit tests', 'vitest', 'run'],
  ['build', 'vite', 'build'],
];

for (const [what, command = '', ...options] of STEPS) {
  const { status, stdout, stderr } = spawnSync('npx', ['--no-install', command, ...options], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stdout, stderr);
    console.error(`check: ${what}: failed`);
    process.exit(1);
  }
  console.log(`check: ${what}: ok`);
}
