// Places of the page: `#/<engine>/<view>/<argument>`, so that a place can be kept, sent and gone back to.

export interface Place { engine: string; view: string; argument: string }

const ALL = '-';

export function read(hash: string): Place {
  const [engine = '', view = '', argument = ''] = hash.replace(/^#\/?/, '').split('/').map(decode);
  return { engine: engine === ALL ? '' : engine, view: view || 'overview', argument };
}

export function write(place: Place): string {
  const parts = [place.engine || ALL, place.view, place.argument].filter((part) => part !== '');
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
