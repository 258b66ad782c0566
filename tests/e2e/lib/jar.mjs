// A cookie jar with the rules that matter here: host, path, Secure, expiry and the name prefixes.
// SameSite is left to the real browser's story.

/** RFC 6265 §5.1.4: a cookie's path covers this one, at a segment's border. */
function covers(cookiePath, requestPath) {
  if (cookiePath === requestPath) return true;
  return requestPath.startsWith(cookiePath) && (cookiePath.endsWith('/') || requestPath[cookiePath.length] === '/');
}

export class Jar {
  #cookies = new Map();

  /** Keeps what a response sets. */
  store(url, response) {
    for (const line of response.headers.getSetCookie()) this.#set(new URL(url), line);
  }

  #set(url, line) {
    const [pair, ...rest] = line.split(';').map((part) => part.trim());
    const [name, ...value] = pair.split('=');
    const flags = new Map(rest.map((part) => {
      const [key, ...text] = part.split('=');
      return [key.toLowerCase(), text.join('=')];
    }));
    const cookie = {
      name,
      value: value.join('='),
      host: url.hostname,
      path: flags.get('path') || '/',
      secure: flags.has('secure'),
      httpOnly: flags.has('httponly'),
      sameSite: flags.get('samesite') ?? '',
    };
    const key = `${cookie.host}|${cookie.path}|${name}`;
    const gone = flags.get('max-age') === '0' || Date.parse(flags.get('expires')) < Date.now();
    if (gone) this.#cookies.delete(key);
    // A browser drops Secure cookies, and with them the `__Host-` prefix, over plain http.
    else if (!cookie.secure || url.protocol === 'https:') this.#cookies.set(key, cookie);
  }

  /** The `Cookie` header for a request, or undefined. */
  header(url) {
    const { hostname, pathname } = new URL(url);
    const fit = [...this.#cookies.values()].filter((c) => c.host === hostname && covers(c.path, pathname));
    return fit.length > 0 ? fit.map((c) => `${c.name}=${c.value}`).join('; ') : undefined;
  }

  /** Nothing that this host has set is known any more, or nothing of such a name. */
  forget(host, named = /./) {
    for (const [key, { host: from, name }] of this.#cookies) {
      if (from === host && named.test(name)) this.#cookies.delete(key);
    }
  }

  /** All cookies that are kept. */
  get cookies() {
    return [...this.#cookies.values()];
  }
}
