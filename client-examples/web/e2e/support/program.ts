import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Runs the program, and ends it when the other end of the standard input closes: also when the tests are killed. */
const WATCHDOG = `
signal=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
exec 2>/dev/null
( read -r _ <&3; kill -s "$signal" "$program" ) >/dev/null &
wait "$program"
`;

/** How long one may take to start; a busy machine needs a multiple of the usual second. */
const PATIENCE_MS = 120_000;

export interface Start {
  /** What it says once it is ready. */
  ready: RegExp;
  /** Where it runs. */
  cwd: string;
  /** A file for all that it says; a file, since nginx opens its standard output once more. */
  log: string;
  env?: Record<string, string>;
  /** What ends it; without a goodbye if nothing else is said. */
  signal?: 'KILL' | 'TERM';
}

/** A program that never outlives the tests. */
export class Program {
  readonly #child: ChildProcess;
  /** What it said to be ready by. */
  readonly said: RegExpExecArray;

  private constructor(child: ChildProcess, said: RegExpExecArray) {
    this.#child = child;
    this.said = said;
  }

  /** Starts `line` and waits until it is ready. */
  static async start(
    line: readonly string[],
    { ready, cwd, log, env = {}, signal = 'KILL' }: Start,
  ): Promise<Program> {
    const file = openSync(log, 'w');
    const child = spawn('/bin/sh', ['-c', WATCHDOG, 'watchdog', signal, ...line], {
      cwd,
      // Nothing of the environment of whoever runs the tests, which may have settings of a server in it.
      env: { PATH: process.env.PATH, LC_ALL: 'C', ...env },
      stdio: ['pipe', file, file],
      // An interrupt from the terminal is for the tests.
      detached: true,
    });
    closeSync(file);
    child.stdin?.on('error', () => {});
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const isOver = child.exitCode !== null || Date.now() > deadline;
      const text = await readFile(log, 'utf8');
      const said = ready.exec(text);
      if (said && !isOver) return new Program(child, said);
      if (isOver) {
        child.stdin?.destroy();
        const end = text.split('\n').slice(-20).join('\n');
        throw new Error(`${line[0]} did not start (${child.exitCode}); the end of its log:\n${end}`);
      }
      await setTimeout(20);
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.destroy();
    await gone;
  }
}

/** The first program of those names that there is: on the PATH, or in one of `folders`. */
export function find(names: readonly string[], folders: readonly string[] = []): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...folders]) {
    for (const name of names) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // It is not here.
      }
    }
  }
  return undefined;
}
