// What an OpenID provider keeps, in memory: one store for each provider, that outlives a change of
// its configuration. (The package's own is for the whole process, and complains of being used.)

/** Makes the class that the package wants, on a store of its own. */
export function memory() {
  const kept = new Map();

  return class Memory {
    #model;

    constructor(model) {
      this.#model = model;
    }

    #key(id) {
      return `${this.#model}:${id}`;
    }

    async upsert(id, payload, lifetimeSeconds) {
      const endsAt = lifetimeSeconds ? Date.now() + lifetimeSeconds * 1000 : Infinity;
      kept.set(this.#key(id), { payload, endsAt });
    }

    async find(id) {
      const { payload, endsAt } = kept.get(this.#key(id)) ?? {};
      return endsAt > Date.now() ? payload : undefined;
    }

    async findByUid(uid) {
      return [...kept].find(([key, { payload }]) => key.startsWith(`${this.#model}:`) && payload.uid === uid)?.[1].payload;
    }

    async consume(id) {
      const entry = kept.get(this.#key(id));
      if (entry) entry.payload = { ...entry.payload, consumed: Math.floor(Date.now() / 1000) };
    }

    async destroy(id) {
      kept.delete(this.#key(id));
    }

    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of kept) if (payload.grantId === grantId) kept.delete(key);
    }
  };
}
