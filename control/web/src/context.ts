// What every view is given, and what a view is.

import type { History } from './history';
import type { Place } from './router';
import type { Stream } from './stream';
import type { EngineRow, WhoAmI } from './types';

export interface Context {
  readonly stream: Stream;
  readonly history: History;
  /** The engine that is looked at. */
  engine(): string;
  engines(): readonly EngineRow[];
  me(): WhoAmI | null;
  place(): Place;
  go(place: Partial<Place>): void;
  /** Says something to the person, aloud for those who hear the page. */
  say(text: string, bad?: boolean): void;
  /** Asks for a render of what is shown. */
  changed(): void;
}

export interface View {
  readonly element: HTMLElement;
  /** Called at most ten times a second while the view is shown. */
  render?(): void;
  /** Called when it comes into sight, and when its place changes. */
  enter?(): void;
}

export type Make = (context: Context) => View;

/** Runs work that may fail, and says why it did. */
export function attempt(context: Context, work: () => Promise<void>): void {
  work().catch((error: unknown) => context.say(explain(error), true));
}

/** An error as a sentence that says what to do. */
export function explain(error: unknown): string {
  const problem = (error as { problem?: { title: string; detail: string; todo: string; errors: { field: string; problem: string }[] } }).problem;
  if (problem === undefined) return error instanceof Error ? error.message : String(error);
  const fields = problem.errors.map((field) => `${field.field}: ${field.problem}`).join('; ');
  return [`${problem.title}${problem.detail ? `: ${problem.detail}` : ''}`, fields, problem.todo].filter(Boolean).join('. ');
}
