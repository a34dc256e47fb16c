import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from './member-messages.ts'
import { MortalServer } from './mortal-server.ts'
import type { Fault, Stage } from './stage.ts'

const HOUR = 3_600_000
/**
 * A library that offsets the wall clock by the seconds in a file. It reads the file each time, so that it can change.
 */
const SHIM = String.raw`
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset(void) {
  static int file = -1;
  char text[32] = {0};
  if (file < 0) file = open(getenv("CLOCK_OFFSET"), O_RDONLY);
  if (file < 0 || pread(file, text, sizeof text - 1, 0) <= 0) return 0;
  return atol(text);
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
  struct timespec now;
  (void)tz;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  tv->tv_sec = now.tv_sec + offset();
  tv->tv_usec = now.tv_nsec / 1000;
  return 0;
}

int clock_gettime(clockid_t which, struct timespec *now) {
  int failed = syscall(SYS_clock_gettime, which, now);
  if (!failed && which == CLOCK_REALTIME) now->tv_sec += offset();
  return failed;
}

time_t time(time_t *given) {
  struct timeval now;
  gettimeofday(&now, 0);
  if (given) *given = now.tv_sec;
  return now.tv_sec;
}
`

/** A server with an adjustable clock. */
export class ClockStage implements Stage {
  readonly server: MortalServer
  readonly store: Store
  readonly #dir: string

  private constructor(server: MortalServer, dir: string) {
    this.server = server
    this.#dir = dir
    this.store = { url: server.url }
  }

  static async start(): Promise<ClockStage> {
    const dir = mkdtempSync(join(tmpdir(), 'recloser-clock-'))
    const [source, library, offset] = ['shim.c', 'shim.so', 'offset'].map((name) => join(dir, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(source, SHIM)
    writeFileSync(offset, pad(0))
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source])
    const env = { LD_PRELOAD: library, CLOCK_OFFSET: offset }
    return new ClockStage(await MortalServer.start({ env }), dir)
  }

  /** Offsets the clock of the server by this many milliseconds, and verifies it. */
  async set(off: number): Promise<void> {
    writeFileSync(join(this.#dir, 'offset'), pad(off / 1_000), { flag: 'r+' })
    const time = await this.server.as((admin) => admin.sendCommand(['TIME']))
    const seen = Number((time as unknown as string[])[0]) * 1_000 - Date.now()
    if (Math.abs(seen - off) > 60_000) throw new Error(`the clock is ${seen} ms off, not ${off}`)
  }

  async end(): Promise<void> {
    await this.server.end()
    rmSync(this.#dir, { recursive: true })
  }
}

/** Pads the number to a fixed length, so that one write replaces it. */
const pad = (seconds: number): string => String(seconds).padEnd(16)

const steps = (what: string, off: number): Fault<ClockStage> => ({
  what,
  loses: false,
  async happen(stage) {
    await stage.set(off)
    return () => stage.set(0)
  },
})

// The order matters: a record that is closed while the clock is behind expires when it goes forward again, and a record
// whose epoch is an hour ahead by then cannot be restored (I1).
export const clockFaults: readonly Fault<ClockStage>[] = [
  steps('has a clock that goes back by an hour, and forward', -HOUR),
  steps('has a clock that goes forward by an hour, and back', HOUR),
]
