// Many changes, few renders: at most one a slot, in an animation frame, with the newest state.
//
// A hidden page gets no animation frames, so it renders nothing and catches up with one render when shown.

/** What the scheduler needs of its surroundings. */
export interface Clock {
  now(): number;
  frame(run: () => void): void;
  later(run: () => void, ms: number): void;
}

const browser: Clock = {
  now: () => performance.now(),
  frame: (run) => void requestAnimationFrame(run),
  later: (run, ms) => void setTimeout(run, ms),
};

/** Ten a second. */
export const SLOT_MS = 100;

/** `request()` asks for a render; any number of requests within a slot become one. */
export class Coalescer {
  private last = -Infinity;
  private waiting = false;

  constructor(
    private readonly render: () => void,
    private readonly slot = SLOT_MS,
    private readonly clock: Clock = browser,
  ) {}

  request(): void {
    if (this.waiting) return;
    this.waiting = true;
    const wait = this.last + this.slot - this.clock.now();
    if (wait > 0) this.clock.later(() => this.clock.frame(this.run), wait);
    else this.clock.frame(this.run);
  }

  private readonly run = (): void => {
    this.waiting = false;
    this.last = this.clock.now();
    this.render();
  };
}
