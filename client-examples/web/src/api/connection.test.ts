import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connection } from './connection';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a connection', () => {
  it('is live at first without having caught up on anything', () => {
    const connection = new Connection();
    connection.lost();
    expect(connection.state()).toBe('connecting');
    connection.ready();
    expect(connection.state()).toBe('live');
    expect(connection.returns()).toBe(0);
  });

  it('says that it has caught up after a break, and is live some seconds later', () => {
    const connection = new Connection(8_000);
    connection.ready();
    connection.lost();
    expect(connection.state()).toBe('reconnecting');
    connection.ready();
    expect(connection.state()).toBe('caught-up');
    expect(connection.returns()).toBe(1);
    vi.advanceTimersByTime(8_000);
    expect(connection.state()).toBe('live');
  });

  it('does not turn live when it breaks again meanwhile', () => {
    const connection = new Connection(8_000);
    connection.ready();
    connection.lost();
    connection.ready();
    connection.lost();
    vi.advanceTimersByTime(60_000);
    expect(connection.state()).toBe('reconnecting');
  });

  it('tells whoever listens, until they do not any more', () => {
    const connection = new Connection();
    const heard = vi.fn();
    const stop = connection.subscribe(heard);
    connection.ready();
    stop();
    connection.lost();
    expect(heard).toHaveBeenCalledTimes(1);
  });
});
