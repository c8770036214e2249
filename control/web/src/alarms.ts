// What needs a person's eye, derived from a frame. No data is an alarm as well.

import { int, isOld, span } from './format';
import type { Frame, Gone, Shot } from './types';
import type { Pulse } from './stream';

export interface Alarm { key: string; text: string; bad: boolean }

/** `since`: how long nothing came, in milliseconds. */
export function alarmsOf(frame: Frame | null, pulse: Pulse, since: number, gone: Gone | null = null): Alarm[] {
  const alarms: Alarm[] = [];
  const add = (key: string, text: string, bad = true): void => void alarms.push({ key, text, bad });
  if (frame === null) {
    if (pulse === 'silent') add('engine', `the engine is ${gone?.standing ?? 'silent'}`);
    return alarms;
  }
  if (pulse === 'late') add('stream', `no numbers for ${span(Math.round(since) * 1e6)}`);
  if (pulse === 'silent') add('engine', `the engine is ${gone?.standing ?? 'silent'}`);
  else if (frame.engine.state !== 'trading') add('state', `engine ${frame.engine.state}`, frame.engine.state !== 'starting');
  for (const scope of frame.kill) add(`kill ${scope}`, `killed: ${scope}`);
  if (frame.halted === true) add('halted', 'new orders are held (halt)');
  lines(frame, add);
  if (frame.journal.refused !== 0) add('journal', `journal: ${int(frame.journal.refused)} records found no room`);
  for (const link of frame.links) if (link.overruns !== 0) add(`link ${link.name}`, `link ${link.name}: ${int(link.overruns)} lost`);
  for (const tile of frame.tiles) if (isOld(tile.heartbeat_age_ns)) add(`tile ${tile.name}`, `tile ${tile.name} does not beat`);
  return alarms;
}

function lines(frame: Shot, add: (key: string, text: string, bad?: boolean) => void): void {
  for (const feed of frame.feeds) {
    if (!feed.alive) add(`feed ${feed.name}`, `${feed.name} is silent for ${span(feed.silence_ns)}`);
    if (feed.state !== 'live') add(`channel ${feed.name}`, `${feed.name}: ${feed.state}`, false);
  }
  for (const session of frame.sessions) {
    if (session.state !== 'up') add(`session ${session.name}`, `session ${session.name}: ${session.state}`);
    else if (session.blocked) add(`session ${session.name}`, `session ${session.name}: no new orders`);
  }
}
