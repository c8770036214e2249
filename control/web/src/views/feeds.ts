// Market data and order sessions: what each line brought, which one wins, what was lost.

import type { Context, View } from '../context';
import { h } from '../dom';
import { int, percent, real, span } from '../format';
import { Table } from '../table';
import type { Feed, Session } from '../types';

/** The share of messages that this line brought first, and whether it is ahead. */
export function wins(feed: Feed): string {
  const first = Number(feed.first);
  const all = first + Number(feed.duplicates);
  return all === 0 ? '–' : percent(first / all);
}

export const feeds = (context: Context): View => {
  let best = '';
  const lines = new Table<Feed>({
    caption: 'Feed lines', key: (row) => row.name, empty: 'no line has been heard',
    columns: [
      { name: 'name', head: 'line', text: (row) => row.name },
      { name: 'alive', head: 'speaks', text: (row) => (row.alive ? 'yes' : 'SILENT'), mood: (row) => (row.alive ? 'good' : 'bad') },
      { name: 'state', head: 'channel', text: (row) => row.state, mood: (row) => (row.state === 'live' ? 'good' : 'warn') },
      { name: 'wins', head: 'brought first', number: true, text: (row) => `${row.name === best ? '★ ' : ''}${wins(row)}` },
      { name: 'skew_ns', head: 'skew, ns', tip: 'how far behind the other line on average; negative: ahead', number: true, text: (row) => int(row.skew_ns) },
      { name: 'silence', head: 'silent for', number: true, text: (row) => span(row.silence_ns) },
      { name: 'packets', head: 'packets', number: true, text: (row) => int(row.packets) },
      { name: 'packets_per_s', head: 'packets/s', number: true, text: (row) => real(row.packets_per_s) },
      { name: 'messages', head: 'messages', number: true, text: (row) => int(row.messages) },
      { name: 'first', head: 'first', number: true, text: (row) => int(row.first) },
      { name: 'duplicates', head: 'duplicates', number: true, text: (row) => int(row.duplicates) },
      { name: 'gaps', head: 'gaps', tip: 'messages missing on this line', number: true, text: (row) => int(row.gaps), mood: (row) => (row.gaps === 0 ? '' : 'warn') },
      { name: 'lost', head: 'lost', tip: 'no line brought them', number: true, text: (row) => int(row.lost), mood: (row) => (row.lost === 0 ? '' : 'bad') },
      { name: 'recovered', head: 'recovered', number: true, text: (row) => int(row.recovered) },
      { name: 'parked', head: 'parked', number: true, text: (row) => int(row.parked) },
      { name: 'malformed', head: 'malformed', number: true, text: (row) => int(row.malformed), mood: (row) => (row.malformed === 0 ? '' : 'warn') },
      { name: 'next_seq', head: 'next', tip: 'next sequence number', number: true, text: (row) => int(row.next_seq) },
    ],
  });
  const sessions = new Table<Session>({
    caption: 'Order sessions', key: (row) => row.name, empty: 'no order session',
    columns: [
      { name: 'name', head: 'session', text: (row) => row.name },
      { name: 'state', head: 'state', text: (row) => row.state, mood: (row) => (row.state === 'up' ? 'good' : 'bad') },
      { name: 'blocked', head: 'new orders', text: (row) => (row.blocked ? 'BLOCKED' : 'pass'), mood: (row) => (row.blocked ? 'bad' : 'good') },
      ...(['open', 'sent', 'accepted', 'rejected', 'refused', 'canceled', 'fills', 'throttled', 'next_in'] as const).map((name) => ({
        name, head: name === 'next_in' ? 'next report' : name, number: true, text: (row: Session) => int(row[name]),
      })),
      { name: 'age', head: 'age', number: true, text: (row) => span(row.age_ns) },
    ],
  });
  return {
    element: h('div', {}, lines.element, h('p', { class: 'hint' }, '★ brings most messages first.'), sessions.element),
    render() {
      const frame = context.stream.frame;
      if (frame === null) return;
      best = frame.feeds.reduce((top, line) => (top === null || Number(line.first) > Number(top.first) ? line : top), null as Feed | null)?.name ?? '';
      lines.update(frame.feeds);
      sessions.update(frame.sessions);
    },
  };
};
