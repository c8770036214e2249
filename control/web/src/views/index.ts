// Every view, in the order of the list, with the letter that goes to it.

import type { Make } from '../context';
import { audit } from './audit';
import { books } from './books';
import { feeds } from './feeds';
import { journal } from './journal';
import { kill } from './kill';
import { latency } from './latency';
import { limits } from './limits';
import { orders } from './orders';
import { overview } from './overview';
import { positions } from './positions';
import { rejects } from './rejects';
import { reports } from './reports';
import { rollouts } from './rollouts';
import { strategy } from './strategy';
import { tiles } from './tiles';

export const views: readonly { view: string; title: string; key: string; make: Make }[] = [
  { view: 'overview', title: 'Overview', key: 'o', make: overview },
  { view: 'latency', title: 'Latency', key: 'l', make: latency },
  { view: 'tiles', title: 'Tiles', key: 't', make: tiles },
  { view: 'feeds', title: 'Feeds', key: 'f', make: feeds },
  { view: 'books', title: 'Books', key: 'b', make: books },
  { view: 'orders', title: 'Orders', key: 'r', make: orders },
  { view: 'positions', title: 'Positions', key: 'p', make: positions },
  { view: 'rejects', title: 'Rejects', key: 'e', make: rejects },
  { view: 'limits', title: 'Limits', key: 'i', make: limits },
  { view: 'strategy', title: 'Strategy', key: 's', make: strategy },
  { view: 'kill', title: 'Kill switch', key: 'k', make: kill },
  { view: 'audit', title: 'Audit', key: 'a', make: audit },
  { view: 'journal', title: 'Journal', key: 'j', make: journal },
  { view: 'rollouts', title: 'Rollouts', key: 'c', make: rollouts },
  { view: 'reports', title: 'Reports', key: 'd', make: reports },
];
