// Just enough HTML to be a person without a browser: forms, buttons, checkboxes and links.
// The pages under test are plain forms by contract; what is not understood here is not there.

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Text with character references replaced. */
export function decode(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}

function attributes(tag) {
  const found = {};
  const pattern = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g;
  for (const [, name, double, single, bare] of tag.matchAll(pattern)) {
    found[name.toLowerCase()] = decode(double ?? single ?? bare ?? '');
  }
  return found;
}

function tags(html, name) {
  const pattern = new RegExp(`<${name}\\b((?:"[^"]*"|'[^']*'|[^"'>])*)>`, 'gi');
  return [...html.matchAll(pattern)].map(([, inside]) => attributes(inside));
}

/** The page's forms: where they go, their inputs and their submit buttons. */
export function forms(html) {
  const pattern = /<form\b((?:"[^"]*"|'[^']*'|[^"'>])*)>([\s\S]*?)<\/form>/gi;
  return [...html.matchAll(pattern)].map(([, head, body]) => {
    const { action = '', method = 'get' } = attributes(head);
    const inputs = tags(body, 'input');
    const submits = inputs.filter((input) => input.type === 'submit');
    return {
      action,
      method: method.toUpperCase(),
      inputs: inputs.filter((input) => input.type !== 'submit'),
      buttons: [...tags(body, 'button').filter((b) => (b.type ?? 'submit') === 'submit'), ...submits],
    };
  });
}

/** Where the page's links lead. */
export function links(html) {
  return tags(html, 'a').flatMap(({ href }) => (href ? [href] : []));
}

/** What a person would read, shortened, for messages about a page that was not expected. */
export function glance(html) {
  const text = html.replace(/<(style|head|svg)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]+>/g, ' ');
  return decode(text).replace(/\s+/g, ' ').trim().slice(0, 400);
}
