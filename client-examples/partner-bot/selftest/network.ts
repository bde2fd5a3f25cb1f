import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between the bot and the server, which can be taken away. */
export class Network {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #isUp = true;
  readonly #server = createServer((near) => {
    if (!this.#isUp) return near.destroy();
    const far = connect(Number(this.#target.port || 80), this.#target.hostname);
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });

  constructor(target: string) {
    this.#target = new URL(target);
  }

  /** Where the server is, through this network. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  down(): void {
    this.#isUp = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  up(): void {
    this.#isUp = true;
  }

  close(): void {
    this.down();
    this.#server.close();
  }
}
