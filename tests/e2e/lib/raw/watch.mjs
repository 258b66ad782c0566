// What arrives on a stream that stays open, and waiting for it without waiting for time.

const LIMIT_MS = 5_000;

export class Watch {
  #messages = [];
  #waiting = new Set();
  #stop;

  /** @param {() => Promise<void>} stop ends the stream */
  constructor(stop) {
    this.#stop = stop;
  }

  hear(message) {
    this.#messages.push(message);
    for (const look of this.#waiting) look();
  }

  get messages() {
    return this.#messages;
  }

  /** The first message that fits; undefined when none came in time. */
  until(fits) {
    return new Promise((resolve) => {
      let timer;
      const look = () => {
        const found = this.#messages.find(fits);
        if (found) finish(found);
      };
      const finish = (found) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      timer = setTimeout(finish, LIMIT_MS, undefined);
      this.#waiting.add(look);
      look();
    });
  }

  close() {
    return this.#stop();
  }
}

/** Anything that would wait for ever ends with this. */
export function within(promise, what, ms = LIMIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
