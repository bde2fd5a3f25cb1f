import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The way to a server, which stays where it is while the server comes and goes, and which can be cut. */
export class Network {
  readonly port: number;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #target: number | undefined;

  private constructor(listener: Server) {
    this.#listener = listener;
    this.port = (listener.address() as AddressInfo).port;
    listener.on('connection', (client) => this.#pass(client));
  }

  static async open(): Promise<Network> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new Network(listener);
  }

  /** From now on it leads to the server at `port`. */
  lead(port: number): void {
    this.#target = port;
  }

  /** Whoever is connected is so no more, and nobody reaches anything until it leads somewhere again. */
  cut(): void {
    this.#target = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.cut();
    this.#listener.close();
  }

  #pass(client: Socket): void {
    if (this.#target === undefined) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
