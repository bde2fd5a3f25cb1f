import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { login } from './login.mjs';

const theirs = { EMAIL: 'reader@shop.example', PASSWORD: 'their own' };

test('the demo’s account is for servers on this machine', () => {
  for (const server of ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080/', 'https://localhost']) {
    assert.deepEqual(login(server, {}, 'customer@demo.test'), { email: 'customer@demo.test', password: 'quick-commerce' }, server);
  }
  for (const server of ['https://shop.example', 'http://localhost.shop.example', 'http://192.168.0.2:8080', 'http://localhost@shop.example']) {
    for (const env of [{}, { EMAIL: theirs.EMAIL }, { PASSWORD: theirs.PASSWORD }, { ...theirs, PASSWORD: '' }]) {
      assert.throws(() => login(server, env, 'customer@demo.test'), /set EMAIL and PASSWORD/, server);
    }
    assert.deepEqual(login(server, theirs, 'customer@demo.test'), { email: theirs.EMAIL, password: theirs.PASSWORD });
  }
});

test('a program that is not told whose account to use elsewhere says so, and ends', { timeout: 60_000 }, () => {
  const { EMAIL: _email, PASSWORD: _password, ...env } = process.env;
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, ['sse.mjs', 'https://shop.example'], { cwd, env, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /https:\/\/shop\.example is not on this machine: set EMAIL and PASSWORD/);
});
