// Local accounts, as an operator manages them on the command line.

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { run } from './command.mjs';

/** Long, random, and without the name of anybody in it. */
export function freshPassword() {
  return randomBytes(18).toString('base64url');
}

/** `wicketgate account …` beside a running deployment. */
export function accountsOf(deployment) {
  const account = (args, input) => run(['account', ...args, '--config', deployment.config], { env: deployment.env, input });
  /** As {@link account}, where it must work. Neither stream may repeat what was typed. */
  const must = async (args, input) => {
    const end = await account(args, input);
    assert.equal(end.code, 0, `account ${args.join(' ')}: ${end.notes}`);
    if (input) assert.ok(!`${end.out}${end.notes}`.includes(input.trim()), 'the password is not shown');
    return end;
  };
  const typed = (args) => async (password) => {
    await must(args, `${password}\n`);
    deployment.secrets.push(password);
  };
  return {
    try: account,
    must,
    add: (username, password, { name, email, groups }) => typed([
      'add', username, '--name', name, '--email', email, ...groups.flatMap((group) => ['--group', group]),
    ])(password),
    setPassword: (username, password) => typed(['password', username])(password),
    list: async () => JSON.parse((await must(['list', '--json'])).out),
    /** A second factor, and the telephone that has it from then on. */
    totp: async (username) => {
      const { out } = await must(['totp', username]);
      const phone = new Phone(out.trim());
      deployment.secrets.push(phone.secret);
      return phone;
    },
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 §6, without padding. */
function fromBase32(text) {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** An authenticator app that knows one secret. */
class Phone {
  #step = 0;

  constructor(uri) {
    const { protocol, host, pathname, searchParams } = new URL(uri);
    assert.equal(`${protocol}//${host}`, 'otpauth://totp');
    this.label = decodeURIComponent(pathname.slice(1));
    this.issuer = searchParams.get('issuer');
    this.secret = searchParams.get('secret');
    const said = { algorithm: 'SHA1', digits: '6', period: '30' };
    for (const [name, value] of Object.entries(said)) assert.equal(searchParams.get(name) ?? value, value, name);
  }

  /** RFC 6238 with the defaults of every app. */
  at(step) {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac('sha1', fromBase32(this.secret)).update(counter).digest();
    const number = mac.readUInt32BE(mac.at(-1) & 0xf) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, '0');
  }

  /**
   * A code that was not used yet and is good now: that of the half minute before, then that of
   * this one, then that of the next. There is no fourth without waiting.
   */
  next() {
    const now = Math.floor(Date.now() / 30_000);
    this.#step = Math.max(this.#step + 1, now - 1);
    assert.ok(this.#step <= now + 1, 'the story asks for more codes than there are');
    return this.at(this.#step);
  }

  /** The code that {@link next} gave last. */
  again() {
    return this.at(this.#step);
  }
}
