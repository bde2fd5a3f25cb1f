import { chmod, readFile, rename, writeFile } from 'node:fs/promises';

export interface Tokens {
  accessToken: string;
  refreshToken: string;
}

/**
 * What a bot keeps from one start to the next: its tokens, and nothing else. What it carries and where it was, it asks the server.
 * Without them it would sign in with its password at every start, and one that keeps falling over would soon be told to wait.
 */
export class Memory {
  readonly #file: string;
  /** Whose tokens these are; somebody else's are as good as none. */
  readonly #owner: string;

  constructor(file: string, owner: string) {
    this.#file = file;
    this.#owner = owner;
  }

  async read(): Promise<Tokens | undefined> {
    try {
      const kept = JSON.parse(await readFile(this.#file, 'utf8'));
      return kept.owner === this.#owner ? kept.tokens : undefined;
    } catch {
      return undefined;
    }
  }

  /** Never leaves half a file, and none that others may read. */
  async write(tokens: Tokens): Promise<void> {
    const draft = `${this.#file}.new`;
    await writeFile(draft, JSON.stringify({ owner: this.#owner, tokens }), { mode: 0o600 });
    await chmod(draft, 0o600);
    await rename(draft, this.#file);
  }
}
