// HTTP as it is on the wire, for clients made by hand: every exchange is kept, byte for byte.

const ACCEPT = 'application/json, text/event-stream';

/** What an SSE stream says, event by event, as far as it is complete. */
export class Events {
  #rest = '';

  /** @returns {{name: string, data: string}[]} the events that this piece completes */
  take(piece) {
    const parts = (this.#rest + piece).split(/\r?\n\r?\n/);
    this.#rest = parts.pop();
    return parts.map((part) => {
      const fields = part.split(/\r?\n/).map((line) => /^(\w+):\s?(.*)$/.exec(line)).filter(Boolean);
      const of = (name) => fields.filter(([, field]) => field === name).map(([, , value]) => value);
      return { name: of('event')[0] ?? 'message', data: of('data').join('\n') };
    });
  }
}

export class Wire {
  /** Each exchange: `{ sent, status, type, raw }`, in the order in which they began. */
  transcript = [];
  #token;

  /** @param {string|undefined} token none when there is no gateway */
  constructor(url, token) {
    this.url = url;
    this.#token = token;
  }

  /**
   * One exchange to its end, or until `signal` aborts it.
   *
   * @param {object} how
   * @param {object|string} [how.body] a text goes out as it is
   * @param {(message: object, event: {name: string, data: string}) => void} [how.onMessage] each
   *   message as it arrives
   * @param {(response: Response) => void} [how.onHead] the head of the answer, before its body
   */
  async exchange({
    method = 'POST', headers = {}, body, url = this.url, signal, onMessage = () => {}, onHead = () => {},
  }) {
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const entry = { method, sent, raw: '' };
    this.transcript.push(entry);
    const response = await fetch(url, {
      method,
      signal,
      headers: {
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
        accept: method === 'GET' ? 'text/event-stream' : ACCEPT,
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: sent,
    });
    entry.status = response.status;
    entry.type = response.headers.get('content-type')?.split(';')[0];
    onHead(response);
    const messages = [];
    const hear = (message, event) => { messages.push(message); onMessage(message, event); };
    try {
      await this.#read(response, entry, hear);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
    return { status: response.status, headers: response.headers, messages, raw: entry.raw };
  }

  async #read(response, entry, hear) {
    if (!response.body) return;
    const events = entry.type === 'text/event-stream' ? new Events() : undefined;
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      entry.raw += piece;
      for (const event of events?.take(piece) ?? []) {
        if (event.data.startsWith('{')) hear(JSON.parse(event.data), event);
        else if (event.data) hear(undefined, event);
      }
    }
    if (!events && entry.raw.startsWith('{')) hear(JSON.parse(entry.raw), { name: 'message', data: entry.raw });
  }
}
