import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

/** A line that the bot printed. */
export interface Happening {
  event: string;
  order?: string;
  orderId?: string;
  status?: string;
  from?: string;
  of?: string;
  /** What its socket was closed with. */
  code?: number;
}

/** How long anything that is expected may take. */
export const PATIENCE_MS = Number(process.env.DEADLINE_MS ?? 60_000);

/** The bot, as it is started by anybody. */
export class BotProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #past: Happening[] = [];
  readonly #exit: Promise<unknown[]>;
  #changed: () => void = () => {};

  constructor(server: string, settings: Record<string, string>) {
    this.#child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', server], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, ...settings },
    });
    this.#exit = once(this.#child, 'exit');
    this.#child.stderr.pipe(process.stderr);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      console.log(line);
      this.#past.push(JSON.parse(line));
      this.#changed();
    });
  }

  get past(): readonly Happening[] {
    return this.#past;
  }

  /** The first thing after the `from`-th that `is` true of, and how many there were with it. */
  async until(what: string, is: (happening: Happening) => boolean, from = 0): Promise<{ happening: Happening; count: number }> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const index = this.#past.findIndex((happening, at) => at >= from && is(happening));
      const happening = this.#past[index];
      if (happening) return { happening, count: index + 1 };
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the bot did not say that ${what}`)), deadline - Date.now());
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
        void this.#exit.then(() => reject(new Error(`the bot ended before ${what}`)));
      });
    }
  }

  /** What the customer says at the door. */
  hear(code: string): void {
    this.#child.stdin.write(`${code}\n`);
  }

  /** Without a goodbye. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** Its exit code. */
  async stop(): Promise<unknown> {
    this.#child.kill('SIGTERM');
    return (await this.#exit)[0];
  }
}
